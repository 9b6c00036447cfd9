import { AppError, type ErrorCode, STATUS } from './errors.ts';

/**
 * The one error body of every route: the members of RFC 9457, beside OpenAI's `error` object (its
 * client throws "no body" without it), beside the request's id.
 */
export interface ErrorBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly request_id: string;
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
  /** Every fault of an input, each with the path of the member at fault. */
  readonly errors?: readonly InputFault[];
  readonly [fact: string]: unknown;
}

/** One fault of an input: `path` as in `input.width`. */
export interface InputFault {
  readonly path: string;
  readonly message: string;
}

/** A finished answer, before any HTTP library has seen it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const TITLES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Unauthenticated',
  'insufficient-funds': 'Insufficient credit',
  'invalid-input': 'Input validation failed',
  'invalid-json': 'Malformed JSON',
  'internal-error': 'Internal error',
};

/** Details of an error that a body may carry; all others stay in the log. */
const PUBLIC_FACTS = [
  'errors',
  'required',
  'available',
  'owed',
  'topup_url',
  'window',
  'limit',
  'spent',
  'depth',
  'retry_after',
  'prediction',
  // What x402's clients of version 1 read.
  'x402Version',
  'accepts',
] as const;

const INTERNAL = 'Something went wrong on our side. Quote the request id when you report it.';

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 402) return 'insufficient_quota';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

interface Names {
  readonly type: string;
  readonly title: string;
  readonly code: string;
}

/** What bodies call each code: the same for each of thousands of refusals. */
const NAMES: ReadonlyMap<ErrorCode, Names> = new Map(
  (Object.keys(STATUS) as ErrorCode[]).map((code) => {
    const words = code.replaceAll('-', ' ');
    const title = TITLES[code] ?? words.charAt(0).toUpperCase() + words.slice(1);
    return [code, { type: `urn:onestep:error:${code}`, title, code: code.replaceAll('-', '_') }];
  }),
);

/** The error as a client may see it: a 500 reveals nothing but that it happened. */
export function errorBody(error: AppError, requestId: string): ErrorBody {
  const { status, code } = error;
  const message = status === 500 ? INTERNAL : error.message;
  const names = NAMES.get(code);
  const param = error.details['param'];
  const body: ErrorBody = {
    type: names?.type ?? '',
    title: names?.title ?? '',
    status,
    detail: message,
    request_id: requestId,
    error: {
      message,
      type: openAiType(status),
      param: typeof param === 'string' && status !== 500 ? param : null,
      code: names?.code ?? '',
    },
  };
  if (status === 500) return body;
  for (const name of PUBLIC_FACTS) {
    const fact = error.details[name];
    if (fact !== undefined) (body as Record<string, unknown>)[name] = fact;
  }
  return body;
}

/**
 * Status, headers and text for an error. `retry_after` in the error's details (seconds) becomes
 * `Retry-After`; a spent budget says `x-should-retry: false`, which OpenAI's client obeys.
 */
export function errorAnswer(error: AppError, requestId: string): ErrorAnswer {
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-request-id': requestId,
  };
  const retryAfter = error.details['retry_after'];
  if (typeof retryAfter === 'number') headers['retry-after'] = String(Math.ceil(retryAfter));
  if (error.status === 401) headers['www-authenticate'] = 'Bearer';
  if (error.status === 402) headers['x-should-retry'] = 'false';
  for (const [name, fact] of PAYMENT_HEADERS) {
    const value = error.details[fact];
    if (typeof value === 'string') headers[name] = value;
  }
  const allow = error.details['allow'];
  if (typeof allow === 'string') headers['allow'] = allow;
  return { status: error.status, headers, body: JSON.stringify(errorBody(error, requestId)) };
}

/** Headers of x402, and where an error's details have them. */
const PAYMENT_HEADERS = [
  ['payment-required', 'payment_required'],
  ['payment-response', 'payment_response'],
  ['x-payment-response', 'payment_response'],
] as const;

/** Any thrown thing as an {@link AppError}: what is unknown is an `internal-error` of ours. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('internal-error', INTERNAL, { cause: thrown });
}

const NO_HEADERS = {};
const PLAIN_JSON = { 'content-type': 'application/json' };

/** fal's client reads an error only where it is called `application/json`. */
export function errorType(path: string): Readonly<Record<string, string>> {
  return path.startsWith('/fal/') ? PLAIN_JSON : NO_HEADERS;
}
