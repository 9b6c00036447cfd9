import { AppError, type ErrorCode, STATUS } from '#shared/core/errors.ts';

const TIMEOUT_MS = 30_000;

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Sent as the JSON body. */
  readonly json?: unknown;
  /** Makes a request that is sent again the same one. */
  readonly idempotencyKey?: string;
  /** Whether to leave the API key out. @default false */
  readonly anonymous?: boolean;
}

/** A service's API with a key for it. */
export interface HttpClient {
  readonly url: string;
  /**
   * The answer, whatever its status.
   *
   * @param target a path of the service, or a whole URL, which is never sent the key
   * @throws AppError `unavailable` when nothing answers in time
   */
  send(target: string, request?: Request): Promise<Response>;
  /** @throws AppError with the code and the message of an answer that refuses */
  text(path: string, request?: Request): Promise<string>;
  /** As {@link text}, parsed; the shape is the one that the API's schema promises. */
  json<T>(path: string, request?: Request): Promise<T>;
}

/** What a client sends with; the global `fetch` unless an app answers within this process. */
export type Send = (url: string, init: RequestInit) => Response | Promise<Response>;

/** What a header can carry; a key is made of less. */
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * The one way in which commands talk to a service, on this machine or elsewhere.
 *
 * @throws AppError `unauthenticated` for a key that no request can carry
 */
export function createHttpClient(url: string, key: string, fetcher: Send = fetch): HttpClient {
  if (!PRINTABLE.test(key)) {
    throw new AppError(
      'unauthenticated',
      'The API key has a space, a line break or a letter that no key has. Check that it was copied whole, and alone.',
    );
  }
  const client: HttpClient = {
    url,
    async send(target, { method = 'GET', json, idempotencyKey, anonymous = false } = {}) {
      const isOwn = target.startsWith('/');
      const address = isOwn ? `${url}${target}` : target;
      const headers = new Headers();
      if (isOwn && !anonymous) headers.set('authorization', `Bearer ${key}`);
      if (json !== undefined) headers.set('content-type', 'application/json');
      if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey);
      const body = json === undefined ? null : JSON.stringify(json);
      try {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        return await fetcher(address, { method, headers, body, signal });
      } catch (cause) {
        throw unreachable(new URL(address).origin, cause as Error);
      }
    },
    async text(path, request) {
      const response = await client.send(path, request);
      if (!response.ok) throw await refusal(response, url);
      return response.text();
    },
    async json(path, request) {
      const text = await client.text(path, request);
      try {
        return JSON.parse(text);
      } catch (cause) {
        const problem = `${new URL(url).origin} is not an Onestep service: its answer to ${path} is not JSON.`;
        throw new AppError('unavailable', problem, { cause });
      }
    },
  };
  return client;
}

function unreachable(origin: string, error: Error): AppError {
  const why =
    error.name === 'TimeoutError'
      ? `does not answer within ${TIMEOUT_MS / 1000} s`
      : `cannot be reached: ${messageOf(error)}`;
  return new AppError('unavailable', `${origin} ${why}.`, { cause: error });
}

/** The system's own words, in one line: OpenSSL ends its with a line break. */
const messageOf = ({ cause, message }: Error): string =>
  (cause instanceof Error ? cause.message : message).trim();

/** What to do about an answer that the caller's key is at fault for. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: ' Give another key in ONESTEP_KEY.',
  'permission-denied': ' Give the operator’s admin key in ONESTEP_KEY.',
};

/** The error that an answer's body describes; `unavailable` where it has none of ours. */
async function refusal(response: Response, url: string): Promise<AppError> {
  const body = await response.json().catch(() => undefined);
  const { detail, error } = (body ?? {}) as { detail?: string; error?: { code?: string } };
  const named = error?.code?.replaceAll('_', '-') ?? '';
  const code = Object.hasOwn(STATUS, named) ? (named as ErrorCode) : 'unavailable';
  const message = detail ?? `${new URL(url).origin} answered with ${response.status}.`;
  return new AppError(code, `${message}${HINTS[code] ?? ''}`);
}
