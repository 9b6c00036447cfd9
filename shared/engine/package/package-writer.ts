import { linkSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assertRoom, type DiskOf } from '#shared/core/disk-room.ts';
import { AppError } from '#shared/core/errors.ts';
import { type Digest, InlineDigest } from './digest.ts';
import { DigestThread } from './digest-thread.ts';
import { fileDigest } from './file-digest.ts';
import { HashedFile } from './hashed-file.ts';
import type { Manifest } from './manifest.ts';
import { NewFile } from './new-file.ts';
import { Pieces } from './pieces.ts';

/** A thread takes longer to start than the digest of so many bytes. */
const INLINE_BYTES = 16 * 2 ** 20;

/** Writes the files of a model package into a folder, one at a time, and records their digests. */
export class PackageWriter {
  readonly files: Manifest['files'] = {};
  private readonly folder: string;
  private readonly inline = new InlineDigest();
  /** Started by the first large file. */
  private thread: DigestThread | undefined;
  private readonly pieces = new Pieces();
  private readonly diskOf: DiskOf | undefined;

  /** @param diskOf what is free there; the system's answer by default */
  constructor(folder: string, diskOf?: DiskOf) {
    this.folder = folder;
    this.diskOf = diskOf;
  }

  /** @throws AppError `disk-full` if so many bytes won't fit */
  async assertRoom(bytes: number): Promise<void> {
    const need = { what: 'the package', folder: dirname(this.folder), bytes };
    await assertRoom([need], this.diskOf);
  }

  /** Writes a new file of the package that will have about so many bytes. */
  async create(
    path: string,
    sizeBytes: number,
    fill: (file: HashedFile) => Promise<void>,
  ): Promise<void> {
    const target = join(this.folder, path);
    mkdirSync(dirname(target), { recursive: true });
    const digest = this.digestFor(sizeBytes);
    const file = new HashedFile(await NewFile.create(target), digest, this.pieces);
    try {
      await fill(file);
    } catch (error) {
      await file.discard();
      throw error;
    }
    this.files[path] = await file.close();
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.create(path, bytes.length, (file) => file.write(bytes));
  }

  /**
   * Makes a file of the package that shares the bytes of an existing one.
   *
   * @throws AppError `invalid-request` if the two lie on different file systems
   */
  async link(path: string, existing: string): Promise<void> {
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
    this.files[path] = { sha256: await fileDigest(target), bytes: statSync(target).size };
  }

  /** Ends the writer's thread, if it has one. */
  async close(): Promise<void> {
    await this.thread?.close();
  }

  private digestFor(sizeBytes: number): Digest {
    if (sizeBytes <= INLINE_BYTES) return this.inline;
    this.thread ??= new DigestThread();
    return this.thread;
  }
}
