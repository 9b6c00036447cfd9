import { AppError } from './errors.ts';

const KEY = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;
const MAX_LENGTH = 512;

/**
 * Checks that a text is a blob's key: parts of `[A-Za-z0-9._-]` joined by `/`, without `.` and `..`.
 *
 * @throws AppError `invalid-request`
 */
export function assertBlobKey(key: string): void {
  if (key.length <= MAX_LENGTH && KEY.test(key)) return;
  throw new AppError('invalid-request', `${JSON.stringify(key.slice(0, 80))} is not a blob key`);
}
