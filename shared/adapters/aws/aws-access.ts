/** Where the services are, when it is not AWS itself, and as whom to call them. */
export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A Lambda function must know of a dead connection long before its own time is up. */
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_ATTEMPTS = 4;

/** Settings of a client: every call has an end, and is tried again when that can help. */
export function clientSettings(access: AwsAccess, requestTimeout = REQUEST_TIMEOUT_MS) {
  return {
    ...access,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout },
  };
}
