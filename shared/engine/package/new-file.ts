import { constants, type FileHandle, open } from 'node:fs/promises';
import { AppError } from '#shared/core/errors.ts';

/** Positions, lengths and memory addresses of direct writes are multiples of this: a page. */
const BLOCK_BYTES = 4096;
/** Smaller writes go through the page cache. */
const MIN_DIRECT_BYTES = 2 ** 20;
/** The disk's speed is judged after this many bytes. */
const TRIAL_BYTES = 64 * 2 ** 20;
/** Bytes a second that the page cache accepts even when its memory is touched for the first time. */
const PAGE_CACHE_RATE = 400e6;

/** Errors of a file system that does not support a call, such as writes past the page cache. */
const REFUSALS = new Set<unknown>(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']);

/** Opens a file for writes past the page cache; undefined if the system has none. */
export type OpenDirectly = (path: string) => Promise<FileHandle | undefined>;

export interface NewFileOptions {
  readonly openDirectly?: OpenDirectly;
  readonly clock?: () => number;
}

/**
 * A new file that may be larger than the machine's memory.
 *
 * Large writes go straight from the caller's memory to the disk (`O_DIRECT`) if the system supports
 * that. The page cache would need memory for every byte, taken from other programs' files; on a
 * virtual machine, touching it costs up to two seconds a gigabyte. Small writes and the ends of files
 * go through the page cache, and so does everything once the disk proves slower than it.
 */
export class NewFile {
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly openDirectly: OpenDirectly;
  private readonly clock: () => number;
  /** For writes past the page cache; opened by the first large write, undefined if unsupported. */
  private direct: Promise<FileHandle | undefined> | undefined;
  private directBytes = 0;
  private directSeconds = 0;

  /**
   * @param handle the open file at `path`
   * @param options how to open it past the page cache, and a clock in milliseconds
   */
  constructor(path: string, handle: FileHandle, options: NewFileOptions = {}) {
    this.path = path;
    this.handle = handle;
    this.openDirectly = options.openDirectly ?? openDirectly;
    this.clock = options.clock ?? (() => performance.now());
  }

  /** @throws Error of the system, such as `EEXIST` if the name is taken */
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

  /** Waits until the file would survive a loss of power. @throws as {@link write} does */
  async sync(): Promise<void> {
    try {
      await this.handle.datasync();
    } catch (cause) {
      // Some file systems lack this call.
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

  /** @returns undefined if direct writes are unsupported or too slow */
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

/** Opens an existing file for writes from page-aligned memory. */
export const openDirectly: OpenDirectly = async (path) => {
  // Not every system has this flag.
  const flag = (constants as { O_DIRECT?: number }).O_DIRECT;
  return flag === undefined ? undefined : await open(path, constants.O_WRONLY | flag);
};

/** Closes the file, if it was opened. */
async function closeDirect(direct: Promise<FileHandle | undefined> | undefined): Promise<void> {
  const handle = await direct?.catch(() => undefined);
  await handle?.close();
}

/** A failure to write, as an AppError if the disk is full. */
function failureOf(cause: unknown): unknown {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') return cause;
  return new AppError('disk-full', 'There is no space left for the model package.', { cause });
}

const isRefusal = (error: unknown): boolean =>
  REFUSALS.has((error as NodeJS.ErrnoException | undefined)?.code);
