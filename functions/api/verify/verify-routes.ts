import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { verifyImage } from './verify-image.ts';
import { VerifyAnswerSchema, VerifyRequestSchema } from './verify-schema.ts';

/** `POST /v1/images/verify`: whether this deployment made an image. */
export const registerVerify: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/images/verify',
    scopes: ['read', 'predict'],
    summary: 'Whether this deployment made an image, by its receipt and its pixels',
    body: VerifyRequestSchema,
    returns: 'The verdict',
    answer: VerifyAnswerSchema,
    failures: [413, 415, 422],
    handle: (_c, { body }) => verifyImage(body, deps.receiptSigningKey),
  });
