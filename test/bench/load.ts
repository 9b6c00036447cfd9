import { AppError } from '#shared/core/errors.ts';

export interface LoadRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadOptions {
  readonly connections: number;
  /** Ends after so many seconds, or after `amount` requests. */
  readonly seconds?: number;
  readonly amount?: number;
}

/** What a load came to; latencies in milliseconds. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** The part of autocannon (which brings no types) that is used here. */
type Autocannon = (options: Record<string, unknown>) => Promise<{
  readonly requests: { readonly average: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
  readonly errors: number;
}>;

/** Sends one request again and again over many connections; each waits for its answer. */
export async function runLoad(request: LoadRequest, options: LoadOptions): Promise<LoadResult> {
  const { connections, seconds, amount } = options;
  const autocannon = await loadAutocannon();
  const result = await autocannon({
    ...request,
    connections,
    ...(amount === undefined ? { duration: seconds ?? 10 } : { amount }),
  });
  if (result.errors > 0) {
    throw new AppError('unavailable', `${result.errors} requests to ${request.url} failed.`);
  }
  return {
    perSecond: Math.round(result.requests.average),
    p50: result.latency.p50,
    p99: result.latency.p99,
    statuses: Object.fromEntries(
      Object.entries(result.statusCodeStats).map(([status, { count }]) => [status, count]),
    ),
  };
}

async function loadAutocannon(): Promise<Autocannon> {
  try {
    const name: string = 'autocannon';
    return ((await import(name)) as { default: Autocannon }).default;
  } catch (cause) {
    throw new AppError(
      'unavailable',
      'bench api needs autocannon, a development package. Run "npm ci".',
      { cause },
    );
  }
}
