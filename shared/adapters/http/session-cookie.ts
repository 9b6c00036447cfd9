import { parse, serialize } from 'hono/utils/cookie';

/**
 * The pages' session: the API key in a cookie that no script can read and no other site can send.
 * There is nothing to look up, so the edge can check it offline like any other key.
 */
export const SESSION_COOKIE = 'onestep_session';
const MAX_AGE_SECONDS = 30 * 24 * 3600;

/** `Set-Cookie` that signs in with a key; `secure` wherever the page came by https. */
export function sessionCookie(key: string, secure: boolean): string {
  return cookie(key, MAX_AGE_SECONDS, secure);
}

/** `Set-Cookie` that signs out. */
export function endedSessionCookie(secure: boolean): string {
  return cookie('', 0, secure);
}

function cookie(value: string, maxAge: number, secure: boolean): string {
  return serialize(SESSION_COOKIE, value, {
    path: '/',
    maxAge,
    httpOnly: true,
    sameSite: 'Strict',
    secure,
  });
}

/**
 * The `Authorization` that a signed-in page's request stands for. Undefined without a session, and
 * for requests that another site caused: `SameSite` keeps those away, and so does this.
 */
export function sessionAuthorization(headers: Headers): string | undefined {
  const cookies = headers.get('cookie');
  if (cookies === null || isFromAnotherSite(headers)) return undefined;
  const { [SESSION_COOKIE]: value } = parse(cookies, SESSION_COOKIE);
  return value ? `Bearer ${value}` : undefined;
}

/**
 * Whether the page of another site caused a request. Browsers name the site on the way to a secure address or
 * to their own machine, and the page's origin with each form on the way to any; other clients name neither.
 *
 * @param host where the service is, as the browser knows it
 */
export function isFromAnotherSite(headers: Headers, host = headers.get('host')): boolean {
  const site = headers.get('sec-fetch-site');
  if (site !== null) return site !== 'same-origin' && site !== 'none';
  const origin = headers.get('origin');
  if (origin === null) return false;
  // "null" is what a sandboxed frame or a file says.
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
