/** What the pages know of the API's answers: only the members that they show. */

export interface Prediction {
  readonly id: string;
  readonly model: string;
  readonly status: 'starting' | 'processing' | 'succeeded' | 'failed' | 'canceled';
  readonly phase?: 'queued' | 'provisioning' | 'loading' | 'running';
  readonly queue_position?: number | null;
  readonly eta_seconds?: number | null;
  readonly input: Readonly<Record<string, unknown>> | null;
  readonly output: readonly string[] | null;
  readonly error: string | null;
  /** What did not go as ordered: a cut prompt, images that were blocked or not made. */
  readonly warnings?: readonly string[];
  readonly created_at: string;
  readonly metrics?: Readonly<Record<string, number>>;
  /** Micro-USD; null until the job has ended. */
  readonly cost?: number | null;
  readonly seed?: number;
  readonly receipt?: unknown;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data_removed?: boolean;
  readonly urls: { readonly get: string; readonly cancel: string; readonly stream?: string };
}

/** A refused request: the API's error body, and when it makes sense to try again. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  readonly topupUrl: string | undefined;

  constructor(
    status: number,
    body: { detail?: string; topup_url?: string; error?: { code?: string } },
    retryAfter: string | null,
  ) {
    super(body.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body.error?.code ?? 'unknown';
    this.topupUrl = body.topup_url;
    this.retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter);
  }
}

/**
 * Calls the API with the session's cookie.
 *
 * @throws Problem for every answer that is not a success, and for a server that can't be reached
 */
export async function call<T>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await send(method, path, body, headers);
  const text = await response.text();
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  throw new Problem(response.status, parseBody(text), response.headers.get('retry-after'));
}

async function send(
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, { detail: 'The server can’t be reached. Is it still running?' }, null);
  }
}

function parseBody(text: string): { detail?: string } {
  try {
    return JSON.parse(text) as { detail?: string };
  } catch {
    return {};
  }
}
