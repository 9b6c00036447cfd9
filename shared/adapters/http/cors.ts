/**
 * Cross-origin rules. Keys travel in a header and never in a cookie, so any page may call with the
 * key that its user gave it.
 */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'x-request-id, location, preference-applied, idempotency-replayed, retry-after, ratelimit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, x-onestep-prediction, x-onestep-cost, x-onestep-seed, mcp-session-id, mcp-protocol-version',
} as const;

export const PREFLIGHT_HEADERS = {
  ...CORS_HEADERS,
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-max-age': '86400',
  vary: 'access-control-request-headers',
} as const;
