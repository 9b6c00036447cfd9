import { constants, type FileHandle, open } from 'node:fs/promises';
import { AppError } from '#shared/core/errors.ts';

/** What places and lengths on the disk are multiples of, and memory begins at: a system's page. */
const BLOCK_BYTES = 4096;
/** Smaller writes are not worth a way of their own. */
const MIN_DIRECT_BYTES = 2 ** 20;
/** After so many bytes a disk is known. */
const TRIAL_BYTES = 64 * 2 ** 20;
/** Bytes a second that the page cache takes even where its memory is touched for the first time. */
const PAGE_CACHE_RATE = 400e6;

/** What a file system says that can't do what is asked: writes past the page cache, for instance. */
const REFUSALS = new Set<unknown>(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']);

/** Opens a file past the page cache; undefined where the system has no such way. */
export type OpenDirectly = (path: string) => Promise<FileHandle | undefined>;

export interface NewFileOptions {
  readonly openDirectly?: OpenDirectly;
  readonly clock?: () => number;
}

/**
 * A new file that may be larger than the machine's memory.
 *
 * Large writes go past the page cache, straight from the caller's memory to the disk (`O_DIRECT`),
 * where the system can do that. The page cache would need memory for every byte, which other
 * programs' files lose; on a virtual machine it costs up to two seconds a gigabyte to touch. Through
 * the page cache go small writes, ends of files, and all that comes after a disk has shown to be
 * slower than it.
 */
export class NewFile {
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly openDirectly: OpenDirectly;
  private readonly clock: () => number;
  /** The way past the page cache; undefined where there is none. Opened with the first large write. */
  private direct: Promise<FileHandle | undefined> | undefined;
  private directBytes = 0;
  private directSeconds = 0;

  /**
   * @param handle what `path` was opened as
   * @param options how it is opened past the page cache, and milliseconds; by default the system's
   */
  constructor(path: string, handle: FileHandle, options: NewFileOptions = {}) {
    this.path = path;
    this.handle = handle;
    this.openDirectly = options.openDirectly ?? openDirectly;
    this.clock = options.clock ?? (() => performance.now());
  }

  /** @throws Error of the system, `EEXIST` where something has that name */
  static async create(path: string): Promise<NewFile> {
    return new NewFile(path, await open(path, 'wx'));
  }

  /** @throws AppError `disk-full`, Error of the system */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += await this.writeSome(bytes.subarray(done), position + done);
      }
    } catch (cause) {
      throw failureOf(cause);
    }
  }

  /** Waits until a loss of power leaves the file as it is. @throws as {@link write} does */
  async sync(): Promise<void> {
    try {
      await this.handle.datasync();
    } catch (cause) {
      // Some file systems have no such call.
      if (!isRefusal(cause)) throw failureOf(cause);
    }
  }

  async close(): Promise<void> {
    await closeDirect(this.direct);
    await this.handle.close();
  }

  /** Writes some of the bytes. @returns how many */
  private async writeSome(bytes: Uint8Array, position: number): Promise<number> {
    if (bytes.length >= MIN_DIRECT_BYTES && position % BLOCK_BYTES === 0) {
      const written = await this.writeDirectly(bytes, position);
      if (written !== undefined) return written;
    }
    return (await this.handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  /** @returns undefined where there is no way past the page cache, or none that is worth it */
  private async writeDirectly(bytes: Uint8Array, position: number): Promise<number | undefined> {
    try {
      this.direct ??= this.openDirectly(this.path);
      const direct = await this.direct;
      if (direct === undefined) return undefined;
      const started = this.clock();
      const length = bytes.length - (bytes.length % BLOCK_BYTES);
      const { bytesWritten } = await direct.write(bytes, 0, length, position);
      this.directBytes += bytesWritten;
      this.directSeconds += (this.clock() - started) / 1000;
      if (this.isSlow()) await this.leaveDirect();
      return bytesWritten;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.leaveDirect();
      return undefined;
    }
  }

  private isSlow(): boolean {
    const { directBytes: bytes, directSeconds: seconds } = this;
    return bytes >= TRIAL_BYTES && bytes < seconds * PAGE_CACHE_RATE;
  }

  private async leaveDirect(): Promise<void> {
    const { direct } = this;
    this.direct = Promise.resolve(undefined);
    await closeDirect(direct);
  }
}

/** Opens a file that is there for writes from memory that begins at a page. */
export const openDirectly: OpenDirectly = async (path) => {
  // Not every system has it.
  const flag = (constants as { O_DIRECT?: number }).O_DIRECT;
  return flag === undefined ? undefined : await open(path, constants.O_WRONLY | flag);
};

/** Closes what was opened, if it was. */
async function closeDirect(direct: Promise<FileHandle | undefined> | undefined): Promise<void> {
  const handle = await direct?.catch(() => undefined);
  await handle?.close();
}

/** What becomes of a failure to write: a full disk has a name. */
function failureOf(cause: unknown): unknown {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') return cause;
  return new AppError('disk-full', 'There is no space left for the model package.', { cause });
}

const isRefusal = (error: unknown): boolean =>
  REFUSALS.has((error as NodeJS.ErrnoException | undefined)?.code);
