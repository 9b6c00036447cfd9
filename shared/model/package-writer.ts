import { createHash } from 'node:crypto';
import { linkSync, mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { Manifest } from './manifest.ts';

/** One file of a package while it is written: its digest is taken on the way. */
export interface PackageFile {
  /**
   * Appends bytes. The buffer must not change until the next call of `write` or `close` returns, so
   * two buffers in turn keep the disk and the processor busy at once.
   */
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Writes the files of a model package into a folder and remembers their digests. */
export class PackageWriter {
  readonly files: Manifest['files'] = {};
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens a new file of the package. */
  async create(path: string): Promise<PackageFile> {
    const target = join(this.folder, path);
    mkdirSync(dirname(target), { recursive: true });
    const handle = await open(target, 'wx');
    return new HashedFile(handle, (sha256, bytes) => {
      this.files[path] = { sha256, bytes };
    });
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.create(path);
    await file.write(bytes);
    await file.close();
  }

  /**
   * Makes a file of the package that shares the bytes of an existing one.
   *
   * @throws AppError `invalid-request` when the two lie on different file systems
   */
  link(path: string, existing: string, digest: { sha256: string; bytes: number }): void {
    const target = join(this.folder, path);
    mkdirSync(dirname(target), { recursive: true });
    try {
      linkSync(existing, target);
    } catch (cause) {
      throw new AppError(
        'invalid-request',
        `${existing} can't be linked into ${dirname(this.folder)}: they must lie on one file system. Leave --link out to copy.`,
        { cause },
      );
    }
    this.files[path] = digest;
  }
}

class HashedFile implements PackageFile {
  private readonly hash = createHash('sha256');
  private readonly handle: FileHandle;
  private readonly done: (sha256: string, bytes: number) => void;
  private length = 0;
  private pending: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle, done: (sha256: string, bytes: number) => void) {
    this.handle = handle;
    this.done = done;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.pending;
    const position = this.length;
    this.length += bytes.length;
    this.pending = writeAll(this.handle, bytes, position);
    // A failed write is reported by the next call; until then nobody waits for it.
    this.pending.catch(() => undefined);
    this.hash.update(bytes);
  }

  async close(): Promise<void> {
    try {
      await this.pending;
      this.done(this.hash.digest('hex'), this.length);
    } finally {
      await this.handle.close();
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    try {
      const { bytesWritten } = await handle.write(
        bytes,
        done,
        bytes.length - done,
        position + done,
      );
      done += bytesWritten;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
      throw new AppError('disk-full', 'There is no space left for the model package.', { cause });
    }
  }
}
