import { AppError } from '#shared/core/errors.ts';

/** What the system and SQLite call a disk without room. */
const FULL = ['ENOSPC', 'SQLITE_FULL'];

/** What a command's user is told of its failure; a stack only for what no message foresaw. */
export function errorText(error: unknown): string {
  if (error instanceof AppError) return error.message;
  if (isFullDisk(error)) {
    const where = error.path === undefined ? '' : `: ${error.path} can't be written`;
    return `The disk is full${where}. Free some space, and try again.`;
  }
  if (isFailedDisk(error)) {
    return `The database can't be read or written (${error.message}): the disk is full or failing. See to it, and try again.`;
  }
  if (isSystemError(error)) return error.message;
  return (error as Error)?.stack ?? String(error);
}

/** A failed system call: its message says everything, and a stack would add nothing. */
export function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function isFullDisk(error: unknown): error is Error & { readonly path?: string } {
  return error instanceof Error && 'code' in error && FULL.includes(String(error.code));
}

/** SQLite's many codes for what the system refused it, a full disk's last blocks among them. */
function isFailedDisk(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_IOERR');
}
