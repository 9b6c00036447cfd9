import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { AppError, assert, FormatError } from '#shared/core/errors.ts';

/** The system call reads at most 2 GiB at a time. */
const MAX_READ_BYTES = 2 ** 30;

/** Bytes that can be read at any position: a file, or its stand-in in a test. */
export interface ByteSource {
  /** The file's path as the user gave it, for messages. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Reads exactly `length` bytes at `offset`; both must lie inside. Fills `into` where given. */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array;
  close(): void;
}

/**
 * The system's facts about a file or folder.
 *
 * @throws AppError `file-not-found` if it does not exist or is not accessible
 */
export function statFile(path: string): Stats {
  return reach(path, () => statSync(path));
}

/**
 * Opens a file for positional reads.
 *
 * @throws AppError `file-not-found` if it can't be reached, FormatError if it is no regular file
 */
export function openFile(path: string): ByteSource {
  const stat = statFile(path);
  // Before the open, which would wait for a writer if this were a pipe.
  if (!stat.isFile()) throw new FormatError(path, 'is not a regular file');
  const descriptor = reach(path, () => openSync(path, 'r'));
  let isOpen = true;
  return {
    path,
    sizeBytes: stat.size,
    read(offset, length, into) {
      assert(isOpen, `${path} is read after its close`);
      assert(offset >= 0 && length >= 0 && offset + length <= stat.size, `${path}: read outside`);
      // Not from Node's pool: a separate buffer is aligned and keeps no others alive.
      const target = into?.subarray(0, length) ?? new Uint8Array(length);
      assert(target.length === length, `${path}: the buffer is shorter than ${length} bytes`);
      let done = 0;
      while (done < length) {
        const count = readSync(
          descriptor,
          target,
          done,
          Math.min(length - done, MAX_READ_BYTES),
          offset + done,
        );
        if (count === 0) throw new FormatError(path, 'became shorter', { offset: offset + done });
        done += count;
      }
      return target;
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/** Runs a system call on a path; a failure is the user's to fix: a wrong name, a missing permission. */
function reach<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const [, why = message] = /^\w+: ([^,]+)/.exec(message) ?? [];
    const problem = missing ? 'there is no such file' : `cannot be opened: ${why}`;
    throw new AppError('file-not-found', `${path}: ${problem}.`, { cause });
  }
}
