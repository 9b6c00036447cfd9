import {
  AUTHORIZATION_HEADER,
  BODY_SHA256_HEADER,
  type Forwarded,
  REQUEST_ID_HEADER,
} from '#shared/core/forwarded.ts';

/** Headers that only the edge may set: what a client sent under these names is deleted. */
export const EDGE_HEADERS = [AUTHORIZATION_HEADER, REQUEST_ID_HEADER, BODY_SHA256_HEADER] as const;

/** SHA-256 of nothing. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * The headers with which a request goes on to an API in another process: the client's own but for
 * {@link EDGE_HEADERS}, which tell what the edge found. `Authorization` itself is overwritten on the
 * way, so the API reads only the copy.
 */
export function forwardedHeaders(
  client: Iterable<readonly [string, string]>,
  forwarded: Forwarded,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of client) headers[name.toLowerCase()] = value;
  for (const name of EDGE_HEADERS) delete headers[name];
  if (forwarded.authorization !== undefined) {
    headers[AUTHORIZATION_HEADER] = forwarded.authorization;
  }
  headers[REQUEST_ID_HEADER] = forwarded.requestId;
  headers[BODY_SHA256_HEADER] = forwarded.bodySha256 ?? EMPTY_SHA256;
  return headers;
}
