const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The `traceparent` of a request, if it is one that we understand (W3C Trace Context, version 00): a
 * header that is malformed is to be ignored.
 */
export function readTraceparent(header: string | null): string | undefined {
  return header !== null && TRACEPARENT.test(header) ? header : undefined;
}
