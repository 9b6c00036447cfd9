const SCHEME = /^(?:bearer|token|key) +(\S+) *$/i;
const BASIC = /^basic +([A-Za-z0-9+/=_-]+) *$/i;
const KEY = /^os_live_/;

/** The routes of AUTOMATIC1111's API, whose clients know no scheme but Basic. */
export const SDAPI_PREFIX = '/sdapi/v1/';

/**
 * The API key of an `Authorization` header; undefined when there is none. OpenAI's and Replicate's
 * clients say `Bearer`, older Replicate clients `Token`, fal's `Key`. Basic is for `sdapi` alone: a
 * browser sends it by itself once it knows it, to whatever page asks.
 */
export function keyOfAuthorization(
  header: string | null | undefined,
  path = '',
): string | undefined {
  if (header === null || header === undefined) return undefined;
  const key = SCHEME.exec(header)?.[1];
  return key ?? (path.startsWith(SDAPI_PREFIX) ? basicCredentials(header)?.key : undefined);
}

/** Both parts of a Basic header: the key is the password, or the user name where that is one. */
export function basicCredentials(
  header: string,
): { readonly user: string; readonly key: string } | undefined {
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const [, user = '', password = ''] =
    /^([^:]*):?(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  return KEY.test(user) && !KEY.test(password) ? { user: '', key: user } : { user, key: password };
}

/** What is wrong with a header that holds no key where one was looked for. */
export function authorizationProblem(header: string | null | undefined): string {
  const shown = 'as "Authorization: Bearer os_live_…".';
  if (header === null || header === undefined || header.trim() === '') {
    return `There is no API key. Send one ${shown}`;
  }
  if (KEY.test(header)) return `The API key has no scheme before it. Send it ${shown}`;
  const basic = basicCredentials(header);
  if (basic !== undefined) {
    return `Basic authentication is for ${SDAPI_PREFIX}… alone. Send the API key ${shown}`;
  }
  return `Authorization has no API key in a form that is known here. Send one ${shown}`;
}
