import { isImageType } from '#shared/core/forwarded.ts';

/** The most that CloudFront shows an edge function of a body; it sends the API all of it. */
export const SHOWN_BYTES = 1_048_576;

/** What to do about an image that is too large for the edge. */
export const IMAGE_ADVICE =
  'An image of more than 1 MiB needs its SHA-256 in the header x-amz-content-sha256; "onestep verify FILE" needs no server.';

/** Whether a request brings an image that is to be verified, as it is. */
export function isVerifiedImage(path: string, contentType: string | null | undefined): boolean {
  return path === '/v1/images/verify' && isImageType(contentType);
}
