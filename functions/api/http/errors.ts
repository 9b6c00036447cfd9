import { HTTPException } from 'hono/http-exception';
import type { z } from 'zod';
import { type InputFault, toAppError } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import { answerError } from './answer.ts';
import type { ApiContext } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { toFaults } from './input-faults.ts';

type ErrorDeps = Pick<ApiDeps, 'onError'>;

/** Anything thrown as the one error body. */
export function createErrorHandler(deps: ErrorDeps) {
  return (thrown: Error, c: ApiContext): Response => answerError(c, reported(c, deps, thrown));
}

/** Anything thrown as the error that its client may see; what only the operator can fix is logged. */
export function reported(c: ApiContext, deps: ErrorDeps, thrown: unknown): AppError {
  const error = thrown instanceof HTTPException ? fromHttpException(thrown) : toAppError(thrown);
  // The client learns only that something is down; the cause goes to the log.
  const isOutage = error.status === 503 && error.cause !== undefined;
  if (error.status === 500 || isOutage) deps.onError(thrown, c.get('facts').requestId);
  return error;
}

/** The HTTP library's own errors: a body that is not JSON, or not declared as JSON. */
function fromHttpException(exception: HTTPException): AppError {
  if (exception.status === 400) {
    return new AppError('invalid-json', 'The body is not valid JSON.', { cause: exception });
  }
  if (exception.status === 415) {
    return new AppError(
      'unsupported-media-type',
      'Send the body as JSON, with "Content-Type: application/json".',
      { cause: exception },
    );
  }
  return toAppError(exception);
}

type HookResult =
  | { readonly success: true }
  | { readonly success: false; readonly target: string; readonly error: z.ZodError };

/** The router's answer to input that fails a route's schema: the path of every fault. */
export function rejectInvalid(result: HookResult): undefined {
  if (result.success) return undefined;
  const faults = toFaults(result.error.issues);
  if (result.target === 'json') throw invalidInput(faults);
  const [first] = faults;
  throw new AppError('invalid-request', `${first?.path}: ${first?.message}`, {
    details: { param: first?.path, errors: faults },
  });
}

/** Every fault in one error: its message is the first, its `errors` are all. */
export function invalidInput(faults: readonly InputFault[]): AppError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new AppError('invalid-input', `${first?.path}: ${first?.message}${more}`, {
    details: { param: first?.path, errors: faults },
  });
}

/** The same message whether a thing never existed or belongs to another account. */
export function notFound(what: string, name: string): AppError {
  return new AppError('not-found', `There is no ${what} "${name.slice(0, 100)}".`);
}
