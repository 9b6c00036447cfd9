import { AppError } from '#shared/core/errors.ts';

/** What an HTTP status of the hub means to the user. */
export function errorOfStatus(
  status: number,
  what: string,
  hubUrl: string,
  cause?: unknown,
): AppError {
  if (status === 401 || status === 403) {
    return new AppError(
      'permission-denied',
      `${what}: the hub refuses it (${status}). If it is private or gated, accept its terms on ${hubUrl} and set HF_TOKEN.`,
      { cause },
    );
  }
  if (status === 404) {
    return new AppError('file-not-found', `${what} does not exist on ${hubUrl}.`, { cause });
  }
  return new AppError('unavailable', `${what}: the hub answers ${status}.`, {
    cause,
    retryable: status === 408 || status === 429 || status >= 500,
  });
}

/** Whether a request failed in transit: no answer, or an incomplete one. */
export function isNetworkFault(error: unknown): boolean {
  // fetch rejects with a TypeError whose cause is the socket's error.
  return (
    error instanceof TypeError &&
    (error.cause !== undefined || /fetch|terminated/.test(error.message))
  );
}
