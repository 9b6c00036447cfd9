const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Waits between attempts, as Standard Webhooks advises: ten attempts over a little more than three
 * days. The first attempt is made at once.
 */
const RETRY_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** A wait grows by up to this share, so that receivers which failed together are not hit together. */
const JITTER = 0.2;
/** The longest wait that a receiver can ask for. */
const MAX_RETRY_AFTER_MS = 24 * HOUR;
/** The shortest wait after an answer that says "too much". */
const OVERLOADED_DELAY_MS = MINUTE;
const OVERLOADED_STATUSES: readonly number[] = [429, 502, 503, 504];

export interface FailedAttempt {
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  readonly now: number;
  readonly status?: number;
  /** The receiver's `Retry-After` header. */
  readonly retryAfter?: string;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** When to try again, in milliseconds since the epoch; undefined when the attempts are used up. */
export function nextAttemptAt(failed: FailedAttempt): number | undefined {
  const delayMs = RETRY_DELAYS_MS[failed.attempts - 1];
  if (delayMs === undefined) return undefined;
  const overloaded = failed.status !== undefined && OVERLOADED_STATUSES.includes(failed.status);
  const waitMs = Math.max(
    delayMs,
    overloaded ? OVERLOADED_DELAY_MS : 0,
    Math.min(parseRetryAfter(failed.retryAfter, failed.now) ?? 0, MAX_RETRY_AFTER_MS),
  );
  return failed.now + Math.round(waitMs * (1 + JITTER * failed.random));
}

/** `Retry-After` as milliseconds from now: whole seconds or an HTTP date (RFC 9110 §10.2.3). */
function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * SECOND;
  const at = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
