/** Where the services are, if not at AWS itself, and the credentials to call them with. */
export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A Lambda function must know of a dead connection long before its own time is up. */
const CONNECT_TIMEOUT_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_ATTEMPTS = 4;

export interface CallLimits {
  /** Until an answer begins, and between any two pieces of it. @default 5 s */
  readonly timeoutMs?: number;
  /** How often a call is made at most. @default 4 */
  readonly attempts?: number;
}

/** Settings of a client: every call has an end, and is tried again when that can help. */
export function clientSettings(access: AwsAccess, limits: CallLimits = {}) {
  const timeoutMs = limits.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    ...access,
    maxAttempts: limits.attempts ?? DEFAULT_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: timeoutMs,
      // Without this the SDK only writes a warning, and waits on.
      throwOnRequestTimeout: true,
      socketTimeout: timeoutMs,
    },
  };
}
