import { createRoute } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { verifyImage } from './verify-image.ts';
import { VerifyAnswerSchema, VerifyRequestSchema } from './verify-schema.ts';

/** `POST /v1/images/verify`: whether this deployment made an image. */
export function registerVerify(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'post',
    path: '/v1/images/verify',
    summary: 'Whether this deployment made an image, by its receipt and its pixels',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'read', 'predict')],
    request: {
      body: { required: true, content: { 'application/json': { schema: VerifyRequestSchema } } },
    },
    responses: {
      200: {
        description: 'The verdict',
        content: { 'application/json': { schema: VerifyAnswerSchema } },
      },
      ...errorResponses(413, 415, 422),
    },
  });

  app.openapi(route, (c) => answerJson(c, 200, verifyImage(c.req.valid('json'), deps.receiptKey)));
}
