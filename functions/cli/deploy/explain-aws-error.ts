import { AppError } from '#shared/core/errors.ts';

/** What to do without credentials. */
export const NO_CREDENTIALS =
  'There are no AWS credentials that work. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in ("aws sso login").';

/** Whether an error of the SDK means that there are no credentials, or none that AWS accepts. */
export function isAboutCredentials(error: unknown): boolean {
  return (
    error instanceof Error &&
    /CredentialsProvider|Could not load credentials|Token(Refresh|Provider)|ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient/.test(
      `${error.name} ${error.message}`,
    )
  );
}

/**
 * Runs calls to AWS, and turns their errors into one sentence that an operator can act on.
 *
 * @throws AppError `unauthenticated`, `permission-denied`, or `unavailable` with AWS's own words
 */
export async function withAws<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof AppError || !(cause instanceof Error)) throw cause;
    if (isAboutCredentials(cause)) {
      throw new AppError('unauthenticated', NO_CREDENTIALS, { cause });
    }
    // Errors of the service carry metadata; anything else is our own bug and keeps its stack.
    if (!('$metadata' in cause)) throw cause;
    const denied = /AccessDenied|NotAuthorized|Forbidden/.test(cause.name);
    throw new AppError(
      denied ? 'permission-denied' : 'unavailable',
      `AWS answered ${cause.name}: ${cause.message}`,
      { cause },
    );
  }
}
