import { AppError } from '#shared/core/errors.ts';

const MIN_CANCEL_AFTER_MS = 5000;

/**
 * How long a create may be held open by its `Prefer` header, in milliseconds: `wait` is as long as
 * allowed, `wait=n` is n seconds. Undefined: not at all.
 */
export function parsePreferWait(header: string | undefined, maxWaitMs: number): number | undefined {
  if (header === undefined) return undefined;
  const match = /(?:^|[,;\s])wait(?:\s*=\s*"?(\d{1,6})"?)?\s*(?:$|[,;])/i.exec(header);
  if (match === null) return undefined;
  const seconds = match[1] === undefined ? Number.POSITIVE_INFINITY : Number(match[1]);
  return Math.min(Math.max(seconds, 1) * 1000, maxWaitMs);
}

/**
 * `Cancel-After` in milliseconds: `90`, `90s`, `1h30m45s`.
 *
 * @throws AppError `invalid-request` for anything else, and for less than five seconds
 */
export function parseCancelAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim().toLowerCase();
  const match = /^(?:(\d{1,6})|(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?)$/.exec(text);
  if (match === null) {
    throw new AppError(
      'invalid-request',
      'Cancel-After must be a duration such as "90s", "5m" or "1h30m".',
      { details: { param: 'Cancel-After' } },
    );
  }
  const [, bare, h, m, s] = match;
  const total =
    Number(bare ?? s ?? 0) * 1000 + Number(m ?? 0) * 60_000 + Number(h ?? 0) * 3_600_000;
  if (total < MIN_CANCEL_AFTER_MS) {
    throw new AppError('invalid-request', 'Cancel-After must be at least five seconds.', {
      details: { param: 'Cancel-After' },
    });
  }
  return total;
}
