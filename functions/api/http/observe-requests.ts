import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Clock } from '#shared/core/clock.ts';
import type { ApiHono } from './context.ts';

/** What is told of each request. Nothing that a client wrote: no prompt, no key, no query. */
export interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, such as `/v1/predictions/:id`. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Ids of who made the request, once authenticated, and of the job that it was about. */
  readonly account?: string;
  readonly key?: string;
  readonly job?: string;
}

/** Tells of each request once its answer begins. */
export function observeRequests(
  clock: Clock,
  onRequest: (request: ObservedRequest) => void,
): MiddlewareHandler<ApiHono> {
  return async (c, next) => {
    const startedAt = clock.now();
    await next();
    const { requestId, caller, job } = c.get('facts');
    const pattern = routePath(c, -1);
    onRequest({
      requestId,
      method: c.req.method,
      route: pattern === '' ? 'none' : pattern,
      status: c.res.status,
      durationMs: clock.now() - startedAt,
      ...(caller === undefined ? {} : { account: caller.account.id, key: caller.key.id }),
      ...(job === undefined ? {} : { job }),
    });
  };
}
