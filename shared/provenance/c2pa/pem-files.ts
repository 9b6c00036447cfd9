import { readFileSync } from 'node:fs';
import { AppError } from '#shared/core/errors.ts';

/**
 * A PEM file's text.
 *
 * @throws AppError `invalid-request` where it can't be read
 */
export function readPemFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('invalid-request', `${path} can't be read.`, { cause });
  }
}
