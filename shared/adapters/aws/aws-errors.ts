import { AppError } from '#shared/core/errors.ts';

/** Names of the errors with which AWS throttles a caller. */
const THROTTLES =
  /Throttl|TooManyRequests|RequestLimitExceeded|ProvisionedThroughputExceeded|SlowDown|LimitExceededException$/;
/** A connection that failed, and answers that did not come. */
const LINE_FAILURES =
  /^(TimeoutError|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND)$/;

/** Whether the same call may succeed later: the SDK has already tried it several times. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  if (THROTTLES.test(name) || LINE_FAILURES.test(name) || LINE_FAILURES.test(code ?? '')) {
    return true;
  }
  return ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** Where and under which name {@link outagesOf} goes into a client's `middlewareStack`. */
export const OUTAGES = { step: 'initialize', name: 'outages' } as const;

/**
 * Makes a client throw AppError `unavailable` when its service can't be reached or turns callers away,
 * so that clients get a 503 that invites a retry, and workers retry. Other errors stay the SDK's own.
 */
export function outagesOf(service: string) {
  return <Args, Result>(next: (args: Args) => Promise<Result>) =>
    async (args: Args): Promise<Result> => {
      try {
        return await next(args);
      } catch (cause) {
        if (!isOutage(cause)) throw cause;
        throw new AppError('unavailable', `${service} is not available. Try again.`, {
          cause,
          retryable: true,
          details: { retry_after: 1 },
        });
      }
    };
}
