export interface RateDecision {
  readonly allowed: boolean;
  /** Requests left in the bucket now. */
  readonly remaining: number;
  /** Milliseconds until one more request is allowed (0 when `remaining` > 0). */
  readonly retryAfterMs: number;
}

/**
 * A token bucket per name: it holds `perMinute` tokens and refills evenly. One that is in this process
 * decides at once; one that several processes share has to ask.
 */
export interface RateLimiter {
  take(name: string, perMinute: number): RateDecision | Promise<RateDecision>;
}
