/** Routes that authorise themselves or need no key; everything else is for key holders. */
const EXACT = new Set([
  '/',
  '/openapi.json',
  '/docs',
  '/.well-known/onestep.json',
  '/healthz',
  '/readyz',
  '/favicon.ico',
  '/robots.txt',
  // Pages: each sends those who are not signed in to the form.
  '/keys',
  '/credits',
  '/usage',
  '/webhooks',
  '/verify',
  '/accounts',
  '/statement',
  '/sign-in',
  '/sign-out',
  '/join',
  // Whoever has an invitation has no key yet.
  '/v1/join/check',
  '/v1/join',
]);
const PREFIXES = ['/assets/', '/files/', '/streams/', '/session/'];

/** Whether a path is let through without an API key. */
export function isPublicPath(path: string): boolean {
  return EXACT.has(path) || PREFIXES.some((prefix) => path.startsWith(prefix));
}
