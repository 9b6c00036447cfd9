/**
 * Cross-origin rules. Keys travel in a header and never in a cookie, so any page may call with the
 * key that its user gave it.
 */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'x-request-id, location, etag, content-range, content-disposition, preference-applied, idempotency-replayed, retry-after, ratelimit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, x-onestep-prediction, x-onestep-cost, x-onestep-seed, payment-required, payment-response, x-payment-response, mcp-session-id, mcp-protocol-version',
} as const;

/** A list of header names, as a browser asks with it. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;

/**
 * The answer to a preflight: a page may send every header that its browser asks about. A wildcard would
 * leave out `Authorization` (Fetch standard, "CORS-preflight fetch").
 */
export function preflightHeaders(asked: Headers): Readonly<Record<string, string>> {
  const names = asked.get('access-control-request-headers') ?? '';
  return {
    ...CORS_HEADERS,
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ...(HEADER_NAMES.test(names) && { 'access-control-allow-headers': names }),
    'access-control-max-age': '86400',
    vary: 'access-control-request-headers',
  };
}
