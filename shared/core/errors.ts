/**
 * The closed list of error codes and the HTTP status each one answers with. Every door of the
 * system (edge, API, GPU function, CLI) maps errors from this table and from nothing else.
 */
export const STATUS = {
  'invalid-request': 400,
  'invalid-json': 400,
  unauthenticated: 401,
  'insufficient-funds': 402,
  'key-budget-exceeded': 402,
  'account-owes': 402,
  'payment-required': 402,
  'payment-invalid': 402,
  'account-disabled': 403,
  'permission-denied': 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  conflict: 409,
  gone: 410,
  'payload-too-large': 413,
  'unsupported-media-type': 415,
  'range-not-satisfiable': 416,
  'invalid-input': 422,
  'idempotency-mismatch': 422,
  'content-blocked': 422,
  'rate-limited': 429,
  'queue-full': 429,
  canceled: 499,
  'invalid-file': 400,
  'file-not-found': 404,
  'disk-full': 507,
  'internal-error': 500,
  'model-error': 500,
  'out-of-memory': 500,
  'model-loading': 503,
  unavailable: 503,
  'deadline-exceeded': 504,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof STATUS;

declare global {
  interface ErrorConstructor {
    /** V8's; also where the types of Node are not known. */
    stackTraceLimit: number;
  }
}

export interface AppErrorOptions {
  /** What made this happen, for the log; never shown to a client. */
  readonly cause?: unknown;
  /** Whether the same request can succeed later without a change. Default false. */
  readonly retryable?: boolean;
  /** Machine-readable facts that the error body may carry, such as `param` or `required`. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class for failures that have a code. The message names the thing at fault and what
 * to do about it; it may reach a client unless the code is `internal-error`. Below status 500 it has no
 * stack: the caller, or the file, is at fault.
 */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    const limit = Error.stackTraceLimit;
    // Refusals come by the thousand, and recording a stack is most of what an error costs.
    if (STATUS[code] < 500) Error.stackTraceLimit = 0;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = limit;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/**
 * A file that does not follow its format. Always permanent: reading the same bytes again cannot
 * help, so callers never retry it.
 */
export class FormatError extends AppError {
  override readonly name = 'FormatError';

  /**
   * @param file the file's path, as the user gave it
   * @param problem what is wrong there, with expected and actual values
   * @param offset the byte offset of the fault, where one is known
   */
  constructor(file: string, problem: string, options: { offset?: number; cause?: unknown } = {}) {
    const at = options.offset === undefined ? '' : ` (at byte ${options.offset})`;
    super('invalid-file', `${file}: ${problem}${at}`, {
      cause: options.cause,
      details: options.offset === undefined ? { file } : { file, offset: options.offset },
    });
  }
}

/** Throws on our own bug: a broken promise between two pieces of this code, never on bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
