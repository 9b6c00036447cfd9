import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertRoom, diskOf } from '#shared/core/disk-room.ts';

const GIGABYTE = 1e9;

/** Two disks: one that all paths are on, and one under /large. */
const disks = async (folder: string) =>
  folder.startsWith('/large')
    ? { id: 2, freeBytes: 100 * GIGABYTE }
    : { id: 1, freeBytes: 10 * GIGABYTE };

const need = (what: string, folder: string, gigabytes: number) => ({
  what,
  folder,
  bytes: gigabytes * GIGABYTE,
});

describe('assertRoom', () => {
  it('adds up what goes to one disk', async () => {
    const download = need('the download', '/small/hub', 6);
    const refused = assertRoom([download, need('the package', '/small/models', 6)], disks);
    await expect(refused).rejects.toMatchObject({
      code: 'disk-full',
      message:
        '/small/hub: the download takes 6.00 GB, the package takes 6.00 GB, but only 10.0 GB are free there, of which 67.1 MB are left alone; make room or name a folder on another disk.',
    });
    await assertRoom([download, need('the package', '/large/models', 90)], disks);
  });

  it('names only what does not fit', async () => {
    const needs = [need('the download', '/small', 6), need('the package', '/large', 100)];
    await expect(assertRoom(needs, disks)).rejects.toThrow(/^\/large: the package takes 100 GB/);
  });

  it('keeps a little for the file system, and asks for nothing where nothing is written', async () => {
    await expect(assertRoom([need('it', '/small', 9.99)], disks)).rejects.toMatchObject({
      code: 'disk-full',
    });
    const small = async () => ({ id: 1, freeBytes: 21e6 });
    await expect(assertRoom([need('it', '/small', 0.019)], small)).rejects.toThrow(
      '/small: it takes 19.0 MB, but only 21.0 MB are free there, of which 67.1 MB are left alone;',
    );
    await assertRoom([need('it', '/small', 0)], () => expect.fail('asked'));
  });
});

describe('diskOf', () => {
  it('tells of folders that are not there yet', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'disk-room-'));
    try {
      const { id, freeBytes } = await diskOf(folder);
      expect(freeBytes).toBeGreaterThan(0);
      expect((await diskOf(join(folder, 'not', 'there'))).id).toBe(id);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
