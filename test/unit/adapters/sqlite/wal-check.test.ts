import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lostCommits } from '#shared/adapters/sqlite/wal-check.ts';

const COMMITS = 20;
const FRAME = 24 + 4096;
let folder: string;
let wal: Buffer;

/** A database as a killed process leaves it: what was committed is in its log alone. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-wal-'));
  const path = join(folder, 'live.sqlite');
  const db = new Database(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x INTEGER)');
  for (let i = 0; i < COMMITS; i++) db.exec(`INSERT INTO t VALUES (${i})`);
  copyFileSync(path, join(folder, 'db.sqlite'));
  wal = readFileSync(`${path}-wal`);
  db.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is counted as lost, and what SQLite then finds. */
function open(bytes: Buffer) {
  const path = join(folder, 'db.sqlite');
  writeFileSync(`${path}-wal`, bytes);
  rmSync(`${path}-shm`, { force: true });
  const lost = lostCommits(`${path}-wal`);
  const copy = join(folder, `copy-${Math.random()}.sqlite`);
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  const db = new Database(copy);
  const hasTable = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 't'").get();
  const rows =
    (hasTable as { n: number }).n === 0
      ? 0
      : (db.prepare('SELECT count(*) AS n FROM t').get() as { n: number }).n;
  db.close();
  return { lost, rows };
}

function damagedAt(offset: number): Buffer {
  const bytes = Buffer.from(wal);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  return bytes;
}

it('finds nothing lost in a log that is whole, or that ends in the middle of a frame', () => {
  expect(open(wal)).toEqual({ lost: 0, rows: COMMITS });
  expect(open(wal.subarray(0, wal.length - 100))).toEqual({ lost: 0, rows: COMMITS - 1 });
  expect(open(Buffer.alloc(0)).lost).toBe(0);
  expect(lostCommits(join(folder, 'none'))).toBe(0);
});

it('counts the commits behind a damaged frame, as many as SQLite no longer finds', () => {
  const frames = (wal.length - 32) / FRAME;
  const { lost, rows } = open(damagedAt(32 + (frames - 6) * FRAME + 500));
  expect(rows).toBe(COMMITS - 6);
  // The damaged one is not counted: it may have been under way.
  expect(lost).toBe(5);
});

it.each([0, 4, 8, 15, 20])(
  'counts them where byte %i of a frame’s own header is damaged',
  (byte) => {
    const frames = (wal.length - 32) / FRAME;
    const { lost, rows } = open(damagedAt(32 + (frames - 6) * FRAME + byte));
    expect({ lost, rows }).toEqual({ lost: 5, rows: COMMITS - 6 });
  },
);

it('finds nothing lost in frames that are left over from before the log began anew', () => {
  const bytes = Buffer.from(wal);
  for (let at = 32 + 10 * FRAME; at < bytes.length; at += FRAME) bytes.fill(9, at + 8, at + 16);
  expect(open(bytes).lost).toBe(0);
});

it('calls all of it lost when the header is damaged', () => {
  expect(open(damagedAt(9))).toEqual({ lost: 'all', rows: 0 });
  expect(open(damagedAt(26))).toEqual({ lost: 'all', rows: 0 });
});

it('takes a frame that was half written when the process died for none', () => {
  const bytes = damagedAt(wal.length - 10);
  expect(open(bytes)).toEqual({ lost: 0, rows: COMMITS - 1 });
});
