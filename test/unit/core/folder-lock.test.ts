import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withFolderLock } from '#shared/core/folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const alone = <T>(work: () => Promise<T>): Promise<T> =>
  withFolderLock(
    { folder, name: '.lock', processId: process.pid, busy: (other) => `busy by ${other}` },
    work,
  );

it('lets one in at a time, and leaves nothing behind', async () => {
  await alone(async () => {
    await expect(alone(async () => 'never')).rejects.toMatchObject({
      code: 'conflict',
      message: `busy by ${process.pid}`,
    });
  });
  expect(readdirSync(folder)).toEqual([]);
  await expect(alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await alone(async () => 'done')).toBe('done');
});

it('takes over from a process that has ended', async () => {
  writeFileSync(join(folder, '.lock'), '4194305-1');
  expect(await alone(async () => 'done')).toBe('done');
});
