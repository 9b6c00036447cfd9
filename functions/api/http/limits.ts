/**
 * The longest that a request is held open on AWS: Lambda and CloudFront both end it at 60 s, and an
 * answer has to be written before.
 */
export const MAX_WAIT_MS = 52_000;
