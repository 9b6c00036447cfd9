import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

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

/** Why a prediction failed, as a refusal would say it. */
export function failureOf({ error, error_code }: Prediction): Problem {
  const code = error_code ?? 'unknown';
  return new Problem(200, { detail: error ?? 'No reason was given.', error: { code } }, null);
}

/** Where this deployment's paths begin, without a slash at the end: a proxy may serve it under a prefix. */
export const BASE = location.pathname.slice(0, location.pathname.lastIndexOf('/'));

/**
 * The path within the deployment of `next` and its like, which are absolute: behind a proxy their origin
 * may differ from the page's.
 */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return (pathname.startsWith(`${BASE}/`) ? pathname.slice(BASE.length) : pathname) + search;
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
    return await fetch(BASE + path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? headers : { 'content-type': typeOf(body), ...headers },
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, { detail: 'The server can’t be reached. Is it still running?' }, null);
  }
}

/** Files go as they are, everything else as JSON. */
function typeOf(body: unknown): string {
  return body instanceof Blob ? body.type : 'application/json';
}

function parseBody(text: string): { detail?: string } {
  try {
    return JSON.parse(text) as { detail?: string };
  } catch {
    return {};
  }
}
