import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  NewFile,
  type NewFileOptions,
  type OpenDirectly,
  openDirectly,
} from '#shared/engine/package/new-file.ts';
import { PIECE_BYTES, Pieces } from '#shared/engine/package/pieces.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

let files = 0;
const newPath = (): string => join(folder.path, `file-${files++}`);

/** A piece of memory with a pattern that tells pieces apart. */
async function pieceOf(value: number): Promise<Uint8Array> {
  const piece = await new Pieces().take();
  return piece.fill(value).fill(value + 1, PIECE_BYTES / 2);
}

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** A way past the page cache that is none: it writes as any other does, and counts. */
function countedWay(onWrite: (count: number) => void = () => undefined) {
  const way = { opened: 0, written: 0, closed: 0 };
  const openDirectly: OpenDirectly = async (path) => {
    way.opened += 1;
    const handle = await open(path, 'r+');
    const write = handle.write.bind(handle);
    const close = handle.close.bind(handle);
    return Object.assign(handle, {
      write: (bytes: Uint8Array, start: number, length: number, position: number) => {
        onWrite(way.written);
        way.written += 1;
        return write(bytes, start, length, position);
      },
      close: () => {
        way.closed += 1;
        return close();
      },
    }) as FileHandle;
  };
  return { way, openDirectly };
}

/** A new file that goes past the page cache in another way than the system's. */
async function fileWith(options: NewFileOptions): Promise<{ path: string; file: NewFile }> {
  const path = newPath();
  return { path, file: new NewFile(path, await open(path, 'wx'), options) };
}

async function writePieces(file: NewFile, count: number): Promise<Buffer> {
  const expected: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const piece = await pieceOf(index);
    await file.write(piece, index * PIECE_BYTES);
    expected.push(piece);
  }
  return Buffer.concat(expected);
}

describe('a new file', () => {
  it('holds what was written, large and small, wherever it begins', async () => {
    const path = newPath();
    const file = await NewFile.create(path);
    const piece = await pieceOf(1);
    await file.write(piece, 0);
    await file.write(piece.subarray(0, 2 ** 20 + 5), PIECE_BYTES);
    await file.write(piece.subarray(0, 2 ** 21), PIECE_BYTES + 2 ** 20 + 5);
    await file.write(piece.subarray(7, 2 ** 20 + 7 + 4096), PIECE_BYTES + 3 * 2 ** 20 + 5);
    await file.sync();
    await file.close();
    const ends = [PIECE_BYTES, 2 ** 20 + 5, 2 ** 21].map((length) => piece.subarray(0, length));
    const all = Buffer.concat([...ends, piece.subarray(7, 2 ** 20 + 7 + 4096)]);
    expect(readFileSync(path).equals(all)).toBe(true);
  });

  it('is never one that is there', async () => {
    const path = newPath();
    await (await NewFile.create(path)).close();
    await expect(NewFile.create(path)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('names a full disk', async () => {
    const file = new NewFile('/dev/full', await open('/dev/full', 'r+'));
    await expect(file.write(new Uint8Array(10), 0)).rejects.toMatchObject({ code: 'disk-full' });
    const { openDirectly } = countedWay(() => {
      throw failure('ENOSPC');
    });
    const { file: full } = await fileWith({ openDirectly });
    await expect(full.write(await pieceOf(1), 0)).rejects.toMatchObject({ code: 'disk-full' });
    await full.close();
    await file.close();
  });
});

describe('waiting for the disk', () => {
  async function synced(code: string): Promise<void> {
    const path = newPath();
    const handle = await open(path, 'wx');
    const file = new NewFile(path, handle);
    handle.datasync = () => Promise.reject(failure(code));
    await file.sync().finally(() => file.close());
  }

  it('is left out where the file system can not do it', async () => {
    await Promise.all(['EINVAL', 'ENOSYS', 'ENOTSUP'].map(synced));
  });

  it('tells of a disk that was full after all, and of what else failed', async () => {
    await expect(synced('ENOSPC')).rejects.toMatchObject({ code: 'disk-full' });
    await expect(synced('EIO')).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('the way past the page cache', () => {
  it('takes whole pieces of memory, which begin where the system wants it', async ({ skip }) => {
    const path = newPath();
    await (await NewFile.create(path)).close();
    const direct = await openDirectly(path).catch(() => undefined);
    if (direct === undefined) return skip('this system has no way past the page cache');
    const { bytesWritten } = await direct.write(await pieceOf(3), 0, PIECE_BYTES, 0);
    await direct.close();
    expect(bytesWritten).toBe(PIECE_BYTES);
    expect(readFileSync(path).equals(await pieceOf(3))).toBe(true);
  });

  it('is gone with large writes alone, and closed with the file', async () => {
    const { way, openDirectly } = countedWay();
    const { file } = await fileWith({ openDirectly });
    await file.write(new Uint8Array(2 ** 20 - 1), 0);
    await file.write(await pieceOf(1), 4095);
    expect(way).toEqual({ opened: 0, written: 0, closed: 0 });
    await writePieces(file, 3);
    await file.close();
    expect(way).toEqual({ opened: 1, written: 3, closed: 1 });
  });

  it.each(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM'])(
    'is left where the system refuses it with %s, at once or later',
    async (code) => {
      for (const refuses of ['open', 'write'] as const) {
        const { way, openDirectly } = countedWay((count) => {
          if (refuses === 'write' && count === 2) throw failure(code);
        });
        const refused: OpenDirectly = () => Promise.reject(failure(code));
        const { path, file } = await fileWith({
          openDirectly: refuses === 'open' ? refused : openDirectly,
        });
        const expected = await writePieces(file, 5);
        await file.close();
        expect(readFileSync(path).equals(expected)).toBe(true);
        expect(way.written).toBe(refuses === 'open' ? 0 : 2);
      }
    },
  );

  it('passes on what else fails', async () => {
    const { openDirectly } = countedWay(() => {
      throw failure('EIO');
    });
    const { file } = await fileWith({ openDirectly });
    await expect(file.write(await pieceOf(1), 0)).rejects.toMatchObject({ code: 'EIO' });
    await file.close();
  });

  it.each([
    ['kept on a quick disk', 2, 20],
    ['left on a slow one', 40, 16],
  ])('is %s', async (_, milliseconds, expected) => {
    const { way, openDirectly } = countedWay();
    let now = 0;
    const clock = () => {
      now += milliseconds;
      return now;
    };
    const { path, file } = await fileWith({ openDirectly, clock });
    const bytes = await writePieces(file, 20);
    await file.close();
    expect(way).toEqual({ opened: 1, written: expected, closed: 1 });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });
});
