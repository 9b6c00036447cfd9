import { METHODS } from 'hono/router';
import { AppError } from '#shared/core/errors.ts';
import { answerError } from './answer.ts';
import type { ApiApp, ApiContext } from './context.ts';

/** 405 with the methods that the path does take, or 404. */
export function unknownRoute(app: ApiApp, c: ApiContext): Response {
  const path = c.req.path;
  const allowed = METHODS.map((method) => method.toUpperCase()).filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  const shown = path.slice(0, 200);
  if (allowed.length === 0) {
    return answerError(c, new AppError('not-found', `There is nothing at ${shown}.`));
  }
  const allow = allowed.join(', ');
  return answerError(
    c,
    new AppError('method-not-allowed', `${shown} takes ${allow}, not ${c.req.method}.`, {
      details: { allow },
    }),
  );
}
