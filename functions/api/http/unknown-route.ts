import { METHODS } from 'hono/router';
import { AppError } from '#shared/core/errors.ts';
import { answerError } from './answer.ts';
import type { ApiApp, ApiContext } from './context.ts';

const PROMPTS_ALONE =
  'Pictures are made from prompts alone here: POST /v1/images/generations takes one.';
const NO_CHAT = 'There is no language model here: POST /v1/images/generations makes pictures.';

/** What there is instead of routes that clients of other services know. */
const INSTEAD: Readonly<Record<string, string>> = {
  '/v1/images/edits': PROMPTS_ALONE,
  '/v1/images/variations': PROMPTS_ALONE,
  '/sdapi/v1/img2img':
    'Pictures are made from prompts alone here: POST /sdapi/v1/txt2img takes one.',
  '/v1/chat/completions': NO_CHAT,
  '/v1/completions': NO_CHAT,
  '/v1/responses': NO_CHAT,
};

/** 405 with the methods that the path does take, or 404. */
export function unknownRoute(app: ApiApp, c: ApiContext): Response {
  const path = c.req.path;
  const allowed = methodsOf(app, path);
  const shown = path.slice(0, 200);
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
  // A route that takes the method has found nothing there itself.
  if (allowed.length === 0 || allowed.includes(method)) {
    const known = methodsOf(app, `/v1${path}`).length > 0;
    const advice = known ? `Add /v1 to the base URL: it is at /v1${shown}.` : INSTEAD[path];
    const message = [`There is nothing at ${shown}.`, advice].filter(Boolean).join(' ');
    return answerError(c, new AppError('not-found', message));
  }
  const allow = allowed.join(', ');
  return answerError(
    c,
    new AppError('method-not-allowed', `${shown} takes ${allow}, not ${c.req.method}.`, {
      details: { allow },
    }),
  );
}

function methodsOf(app: ApiApp, path: string): string[] {
  return METHODS.map((method) => method.toUpperCase()).filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
}
