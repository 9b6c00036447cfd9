import Database from 'libsql';
import { expect, it } from 'vitest';
import { errorText } from '#functions/cli/error-text.ts';
import { AppError } from '#shared/core/errors.ts';

it('says of a full disk what is in the way and what to do', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
    path: '/data/secrets.json',
  });
  expect(errorText(full)).toBe(
    "The disk is full: /data/secrets.json can't be written. Free some space, and try again.",
  );
  const sqlite = new Database(':memory:');
  sqlite.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2');
  const fill = () => sqlite.exec('INSERT INTO t VALUES (randomblob(100000))');
  expect(errorText(thrownBy(fill))).toBe('The disk is full. Free some space, and try again.');
});

it('says the same of a disk that SQLite finds full in another way, as where its index of the log does not fit', () => {
  const refused = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_SHMSIZE' });
  expect(errorText(refused)).toBe(
    "The database can't be read or written (disk I/O error): the disk is full or failing. " +
      'See to it, and try again.',
  );
});

it('gives no stack where a message says it all', () => {
  expect(errorText(new AppError('not-found', 'There is no such thing.'))).toBe(
    'There is no such thing.',
  );
  const denied = Object.assign(new Error('EACCES: denied'), { code: 'EACCES', syscall: 'open' });
  expect(errorText(denied)).toBe('EACCES: denied');
  expect(errorText(new Error('a fault of ours'))).toMatch(/a fault of ours\n\s+at /);
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}
