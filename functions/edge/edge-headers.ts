import {
  AUTHORIZATION_HEADER,
  BODY_SHA256_HEADER,
  CLIENT_ADDRESS_HEADER,
  type Forwarded,
  REQUEST_ID_HEADER,
} from '#shared/core/forwarded.ts';
import { networkOf } from '#shared/core/network-of.ts';
import { PUBLIC_HOST_HEADER } from '#shared/core/public-host.ts';

/** Headers that only the edge may set: what a client sent under these names is deleted. */
export const EDGE_HEADERS: ReadonlySet<string> = new Set([
  AUTHORIZATION_HEADER,
  REQUEST_ID_HEADER,
  BODY_SHA256_HEADER,
  PUBLIC_HOST_HEADER,
  CLIENT_ADDRESS_HEADER,
]);

/** SHA-256 of nothing. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * What the edge found, for an API in another process, and the name that the client called.
 * `Authorization` itself is overwritten on the way, so the API reads only the copy.
 */
export function edgeHeaders(
  forwarded: Forwarded,
  publicHost: string,
  clientAddress?: string,
): Record<string, string> {
  return {
    ...(clientAddress === undefined ? {} : { [CLIENT_ADDRESS_HEADER]: networkOf(clientAddress) }),
    ...(forwarded.authorization === undefined
      ? {}
      : { [AUTHORIZATION_HEADER]: forwarded.authorization }),
    [REQUEST_ID_HEADER]: forwarded.requestId,
    [BODY_SHA256_HEADER]: forwarded.bodySha256 ?? EMPTY_SHA256,
    [PUBLIC_HOST_HEADER]: publicHost,
  };
}
