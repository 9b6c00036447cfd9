import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DigestThread } from '#shared/engine/package/digest-thread.ts';
import { HashedFile } from '#shared/engine/package/hashed-file.ts';
import { NewFile } from '#shared/engine/package/new-file.ts';
import { PIECE_BYTES, Pieces } from '#shared/engine/package/pieces.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';

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
async function newFile(by = digest, pieces = new Pieces()) {
  const path = join(folder.path, `file-${files++}`);
  const target = await NewFile.create(path);
  return { path, target, file: new HashedFile(target, by, pieces) };
}

describe('a hashed file', () => {
  it.each([0, 1, PIECE_BYTES - 1, PIECE_BYTES, 4 * PIECE_BYTES + 5])(
    'takes %i bytes at once and tells their digest',
    async (length) => {
      const { path, file } = await newFile();
      const bytes = bytesOf(length);
      await file.write(bytes);
      expect(await file.close()).toEqual({ sha256: sha256(bytes), bytes: length });
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
  );

  it('has bytes made in rooms that begin where any element may, and leaves no piece half full', async () => {
    const { path, target, file } = await newFile();
    const written = vi.spyOn(target, 'write');
    const bytes = bytesOf(5 * PIECE_BYTES + 77);
    const lengths = [1, 2 ** 20, 6, 2 ** 20 - 2, PIECE_BYTES, 3, 2 ** 19];
    let done = 0;
    for (let turn = 0; done < bytes.length; turn += 1) {
      const length = Math.min(lengths[turn % lengths.length] ?? 1, bytes.length - done);
      await file.append(length, (room) => {
        expect([room.length, room.byteOffset % 4]).toEqual([length, 0]);
        room.set(bytes.subarray(done, done + length));
      });
      done += length;
    }
    expect(await file.close()).toEqual({ sha256: sha256(bytes), bytes: bytes.length });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(written.mock.calls.map(([piece, position]) => [piece.length, position])).toEqual([
      ...[0, 1, 2, 3, 4].map((index) => [PIECE_BYTES, index * PIECE_BYTES]),
      [77, 5 * PIECE_BYTES],
    ]);
  });

  it('begins a new digest with each file, even after one that failed or that nobody wants', async () => {
    const pieces = new Pieces();
    const first = await newFile(digest, pieces);
    await first.target.close();
    await first.file.write(bytesOf(10));
    await expect(first.file.close()).rejects.toMatchObject({ code: 'EBADF' });
    // More of them than there are pieces, which all come back.
    for (let unwanted = 0; unwanted < 9; unwanted += 1) {
      const { file } = await newFile(digest, pieces);
      await file.write(bytesOf(PIECE_BYTES + 10));
      await file.discard();
    }
    const last = await newFile(digest, pieces);
    await last.file.write(bytesOf(20));
    expect((await last.file.close()).sha256).toBe(sha256(bytesOf(20)));
  });

  it('stops the one who makes bytes once they can not be written', async () => {
    const { target, file } = await newFile();
    vi.spyOn(target, 'write').mockRejectedValue(Object.assign(new Error(), { code: 'EIO' }));
    await expect(file.write(bytesOf(9 * PIECE_BYTES))).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.close()).rejects.toMatchObject({ code: 'EIO' });
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
    const { file } = await newFile(broken);
    await expect(
      file.write(bytesOf(2 * PIECE_BYTES)).then(() => file.close()),
    ).rejects.toMatchObject({ code: 'internal-error', message: expect.stringMatching(message) });
    await file.close().catch(() => undefined);
    await expect(broken.finish()).rejects.toMatchObject({ code: 'internal-error' });
    await broken.close();
  });
});
