import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DigestThread } from '#shared/model/digest-thread.ts';
import { HashedFile, MAX_ROOM_BYTES, Pieces } from '#shared/model/hashed-file.ts';
import { temporaryFolder } from '../../helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

let digest: DigestThread;
beforeEach(() => {
  digest = new DigestThread();
});
afterEach(() => digest.close());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes with a period that no piece is a multiple of. */
const PATTERN = Uint8Array.from({ length: 251 }, (_, index) => index + 1);
const bytesOf = (length: number): Uint8Array => Buffer.alloc(length, PATTERN);

let files = 0;
async function newFile(): Promise<{ path: string; handle: FileHandle; file: HashedFile }> {
  const path = join(folder.path, `file-${files++}`);
  const handle = await open(path, 'wx');
  return { path, handle, file: new HashedFile(handle, digest, new Pieces()) };
}

describe('a hashed file', () => {
  it.each([0, 1, MAX_ROOM_BYTES - 1, MAX_ROOM_BYTES, 4 * MAX_ROOM_BYTES + 5])(
    'takes %i bytes at once and tells their digest',
    async (length) => {
      const { path, file } = await newFile();
      const bytes = bytesOf(length);
      await file.write(bytes);
      expect(await file.close()).toEqual({ sha256: sha256(bytes), bytes: length });
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
  );

  it('takes bytes that are made in its rooms, which begin where any element may', async () => {
    const { path, file } = await newFile();
    const bytes = bytesOf(5 * MAX_ROOM_BYTES);
    const lengths = [1, 2 ** 20, 6, 2 ** 20 - 2, MAX_ROOM_BYTES, 3, 2 ** 19];
    let done = 0;
    for (let turn = 0; done < bytes.length; turn += 1) {
      const length = Math.min(lengths[turn % lengths.length] ?? 1, bytes.length - done);
      const room = await file.room(length);
      expect([room.length, room.byteOffset % 4]).toEqual([length, 0]);
      room.set(bytes.subarray(done, done + length));
      file.advance(length);
      done += length;
    }
    expect(await file.close()).toEqual({ sha256: sha256(bytes), bytes: bytes.length });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('begins a new digest with each file, even after one that failed', async () => {
    const first = await newFile();
    await first.handle.close();
    await first.file.write(bytesOf(10));
    await expect(first.file.close()).rejects.toMatchObject({ code: 'EBADF' });
    const second = await newFile();
    await second.file.write(bytesOf(20));
    expect((await second.file.close()).sha256).toBe(sha256(bytesOf(20)));
  });

  it('stops the one who makes bytes once they can not be written', async () => {
    const { handle, file } = await newFile();
    await handle.close();
    await expect(file.write(bytesOf(9 * MAX_ROOM_BYTES))).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.close()).rejects.toMatchObject({ code: 'EBADF' });
  });

  it('names a full disk', async () => {
    const handle = await open('/dev/full', 'r+');
    const file = new HashedFile(handle, digest, new Pieces());
    await file.write(bytesOf(10));
    await expect(file.close()).rejects.toMatchObject({ code: 'disk-full' });
  });
});

describe('the thread that takes digests', () => {
  it.each([
    [
      'throws',
      'data:text/javascript,throw new Error("out of luck")',
      /digests failed: out of luck/,
    ],
    ['ends', 'data:text/javascript,process.exit(3)', /digests failed: it ended with code 3/],
    ['is not there', 'file:///nowhere/thread.mjs', /digests failed: Cannot find module/],
  ])('is reported when it %s', async (_, program, message) => {
    const broken = new DigestThread(new URL(program));
    const handle = await open(join(folder.path, `file-${files++}`), 'wx');
    const file = new HashedFile(handle, broken, new Pieces());
    await expect(
      file.write(bytesOf(2 * MAX_ROOM_BYTES)).then(() => file.close()),
    ).rejects.toMatchObject({ code: 'internal-error', message: expect.stringMatching(message) });
    await file.close().catch(() => undefined);
    await expect(broken.finish()).rejects.toMatchObject({ code: 'internal-error' });
    await broken.close();
  });
});
