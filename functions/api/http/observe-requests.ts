import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import { readTraceparent } from '#shared/core/traceparent.ts';
import type { ApiHono } from './context.ts';

/** What is logged of each request: nothing that a client wrote, so no prompt, key or query. */
export interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, such as `/v1/predictions/:id`. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** The ids of the caller, once authenticated, and of the job that the request created. */
  readonly account?: string;
  readonly key?: string;
  readonly job?: JobId;
  /** The trace that the request is a part of, as the client named it. */
  readonly traceparent?: string;
}

/** Reports each request once its answer begins. */
export function observeRequests(
  clock: Clock,
  onRequest: (request: ObservedRequest) => void,
): MiddlewareHandler<ApiHono> {
  return async (c, next) => {
    const startedAt = clock.now();
    await next();
    const { requestId, caller, job } = c.get('facts');
    const pattern = routePath(c, -1);
    const traceparent = job && readTraceparent(c.req.raw.headers.get('traceparent'));
    onRequest({
      requestId,
      method: c.req.method,
      route: pattern === '' ? 'none' : pattern,
      status: c.res.status,
      durationMs: clock.now() - startedAt,
      ...(caller === undefined ? {} : { account: caller.account.id, key: caller.key.id }),
      ...(job === undefined ? {} : { job }),
      ...(traceparent && { traceparent }),
    });
  };
}
