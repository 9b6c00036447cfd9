import type { Clock } from '#shared/core/clock.ts';
import type { RandomBytes } from '#shared/core/ids.ts';

const LIFETIME_MS = 10 * 60_000;
const MOST_LINKS = 100;

/** Links that sign in once: what `npm start` and `onestep open` print. */
export interface OneTimeLinks {
  /** The path of a new link. */
  create(): string;
  /** The API key that a link stands for, the first time and within ten minutes; then undefined. */
  redeem(token: string): string | undefined;
}

/** Links to the account of one key, kept in memory: a restart ends them. */
export function createOneTimeLinks(
  key: string,
  clock: Clock,
  randomBytes: RandomBytes,
): OneTimeLinks {
  const expiries = new Map<string, number>();
  return {
    create() {
      const token = Buffer.from(randomBytes(24)).toString('base64url');
      expiries.set(token, clock.now() + LIFETIME_MS);
      const [oldest] = expiries.keys();
      if (expiries.size > MOST_LINKS && oldest !== undefined) expiries.delete(oldest);
      return `/session/${token}`;
    },
    redeem(token) {
      const expiresAt = expiries.get(token);
      expiries.delete(token);
      return expiresAt !== undefined && expiresAt > clock.now() ? key : undefined;
    },
  };
}
