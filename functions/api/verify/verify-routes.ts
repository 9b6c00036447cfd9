import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { DeploymentKeysSchema, deploymentKeys } from '#shared/core/deployment-keys.ts';
import { AppError } from '#shared/core/errors.ts';
import { isImageType } from '#shared/core/forwarded.ts';
import { verifyFile, verifyReceiptOf } from './verify-image.ts';
import { VerifyAnswerSchema, VerifyRequestSchema } from './verify-schema.ts';

const PATH = '/v1/images/verify';
const SCOPES = ['read', 'predict'] as const;

/** `POST /v1/images/verify`: where an image comes from. `GET /.well-known/onestep.json`: by what keys. */
export const registerVerify: RegisterRoutes = (app, deps) => {
  const authenticated = authenticate(deps, ...SCOPES);
  // The same path takes JSON: what is no image goes on to that route, and is counted there.
  app.post(PATH, async (c, next) => {
    if (!isImageType(c.req.header('content-type'))) return next();
    return authenticated(c, async () => {
      const facts = await inspect(await c.req.arrayBuffer());
      const answer = verifyFile(facts, deps.receiptSigningKey);
      c.res = answerJson(c, 200, VerifyAnswerSchema, answer);
    });
  });

  const inspect = (file: ArrayBuffer) => {
    if (deps.inspectImage !== undefined) return deps.inspectImage(new Uint8Array(file));
    throw new AppError(
      'unsupported-media-type',
      'This deployment reads no image files. Run "onestep verify FILE", which needs no server, or send the receipt as JSON.',
    );
  };

  jsonRoute(app, deps, {
    method: 'post',
    path: PATH,
    operationId: 'verifyImage',
    scopes: SCOPES,
    summary: 'Check where an image comes from, by its file or by its receipt and pixels',
    // In words: generators make wrong code of a body that is JSON or an image.
    description: 'Takes a file as it is too, as image/png, image/jpeg or image/webp.',
    body: VerifyRequestSchema,
    returns: 'The verdict',
    answer: VerifyAnswerSchema,
    failures: [400, 413, 415, 422],
    handle: (_c, { body }) => verifyReceiptOf(body, deps.receiptSigningKey),
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/.well-known/onestep.json',
    operationId: 'getPublicKeys',
    summary: 'Get the keys to check this deployment’s receipts and watermarks with',
    returns: 'The public keys',
    answer: DeploymentKeysSchema,
    handle: () => deploymentKeys(deps.receiptSigningKey),
  });
};
