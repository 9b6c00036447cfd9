/**
 * What the edge tells the API about a request that it let through. In one process it travels as an
 * object; over the network as headers, which the edge deletes from every request that it gets.
 */
export interface Forwarded {
  readonly requestId: string;
  /** The `Authorization` header as the client sent it. */
  readonly authorization?: string | undefined;
  /** The body, once it was read for its digest; undefined when the request has none. */
  readonly body?: Uint8Array | undefined;
  /** SHA-256 of the body, hex. */
  readonly bodySha256?: string | undefined;
}

/** How an answer ends, where that can be known. */
export interface AnswerEnd {
  /** Calls back when the answer has been written in full. */
  onAnswered(listener: () => void): void;
  /** Calls back when the connection was lost before that; absent where that can't be known. */
  onLost?(listener: () => void): void;
}

/** `Authorization` is overwritten on the way (origin access control signs with it): this is the copy. */
export const AUTHORIZATION_HEADER = 'x-onestep-authorization';
/** The network of the client, where orders without an account are taken. */
export const CLIENT_ADDRESS_HEADER = 'x-onestep-client-address';
export const REQUEST_ID_HEADER = 'x-request-id';
/** The name that AWS requires for it. */
export const BODY_SHA256_HEADER = 'x-amz-content-sha256';

/** Whether a body is an image, which is passed on as bytes; every other is text. */
export function isImageType(contentType: string | null | undefined): boolean {
  return /^image\//i.test(contentType ?? '');
}
