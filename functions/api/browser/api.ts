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
  readonly error_code?: string;
  /** What did not go as ordered: a cut prompt, images that were blocked or not made. */
  readonly warnings?: readonly string[];
  readonly logs?: string | null;
  readonly created_at: string;
  readonly metrics?: Readonly<Record<string, number>>;
  /** Micro-USD; null until the job has ended. */
  readonly cost?: number | null;
  readonly seed?: number;
  readonly receipt?: Receipt | null;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data_removed?: boolean;
  readonly urls: { readonly get: string; readonly cancel: string; readonly stream?: string };
}

/** The part of a receipt that the pages read; they show all of it. */
export interface Receipt {
  readonly images?: readonly {
    readonly index: number;
    readonly width: number;
    readonly height: number;
    readonly seed: number;
  }[];
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

/** What a prediction failed of, as a refusal would say it. */
export function failureOf({ error, error_code }: Prediction): Problem {
  const code = error_code ?? 'unknown';
  return new Problem(200, { detail: error ?? 'There is no reason given.', error: { code } }, null);
}

/** `next` and its like are absolute; behind a proxy their origin may differ from the page's. */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
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
