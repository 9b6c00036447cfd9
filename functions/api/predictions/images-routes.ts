import { z } from '@hono/zod-openapi';
import { commonHeaders } from '#functions/api/http/answer.ts';
import { ENDING_STATUSES } from '#functions/api/http/error-schema.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { apiRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { weightsOf } from '#functions/api/http/weights.ts';
import { paymentHeaders } from '#functions/api/payments/payment-headers.ts';
import { AppError } from '#shared/core/errors.ts';
import { IMAGE_FORMATS, type ImageFormat, MEDIA_TYPES } from '#shared/core/inference.ts';
import { chooseModel } from './choose-model.ts';
import { finishedJob } from './finished-job.ts';

const binary = { schema: z.string().openapi({ format: 'binary' }) };

const OneCallSchema = z
  .looseObject({
    prompt: z.string(),
    model: z.string().max(200).optional().describe('owner/name. Default: the first model'),
  })
  .openapi('OneCallImage', { example: { prompt: 'a lighthouse at dusk', seed: 7 } });

/** `POST /v1/images`: an order answered with its picture, as bytes. For curl and scripts. */
export const registerImages: RegisterRoutes = (app, deps) =>
  apiRoute(app, deps, {
    method: 'post',
    path: '/v1/images',
    operationId: 'makeImage',
    scopes: ['predict'],
    isPayable: true,
    summary: 'Make one image and get its bytes',
    headers: z.object({
      accept: z.string().optional().openapi({ example: 'image/png' }),
      'idempotency-key': z.string().optional(),
    }),
    body: OneCallSchema,
    responses: {
      200: {
        description: 'The image',
        content: { 'image/png': binary, 'image/jpeg': binary, 'image/webp': binary },
      },
    },
    failures: [402, 406, 413, 415, 422, ...ENDING_STATUSES],
    async handle(c, { body: { model: name, ...input } }) {
      const model = chooseModel(deps.catalog, name);
      const wanted = acceptedFormat(c.req.header('accept'), input['output_format']);
      if (input['num_outputs'] !== undefined && input['num_outputs'] !== 1) {
        throw invalidInput([{ path: 'num_outputs', message: 'one call makes one image' }]);
      }
      const submitted = await deps.intake.submit(c, {
        model,
        dialect: 'bytes',
        route: 'images',
        input: wanted === undefined ? input : { ...input, output_format: wanted },
        inputPath: [],
        cannotPoll: true,
      });
      const job = await finishedJob(c, deps, submitted.job);
      const [image] = job.images;
      const bytes = image && (await deps.blobs.get(image.key));
      if (image === undefined || bytes === undefined) {
        throw new AppError('gone', 'The image was erased in the meantime. Order it again.');
      }
      return new Response(bytes as Uint8Array<ArrayBuffer>, {
        headers: {
          ...commonHeaders(c),
          'content-type': MEDIA_TYPES[image.format],
          'content-length': String(bytes.length),
          'content-disposition': `inline; filename="${job.id}-0.${image.format}"`,
          'x-onestep-prediction': job.id,
          'x-onestep-cost': String(job.cost ?? 0),
          'x-onestep-seed': String(image.seed),
          ...submitted.replayHeaders,
          ...paymentHeaders(job),
        },
      });
    },
  });

/**
 * The image format that `Accept` asks for; undefined when any will do. A format that the body names
 * too must be the same one.
 *
 * @throws AppError `not-acceptable`
 */
function acceptedFormat(accept: string | undefined, named: unknown): ImageFormat | undefined {
  // An empty header names nothing, and so rules nothing out.
  const weights = weightsOf(accept?.trim() || '*/*');
  const any = weights.get('image/*') ?? weights.get('*/*') ?? 0;
  const weightOf = (format: ImageFormat) => weights.get(MEDIA_TYPES[format]) ?? any;
  const isNamed = (format: ImageFormat) => Number(weights.has(MEDIA_TYPES[format]));
  const [best] = IMAGE_FORMATS.filter((format) => weightOf(format) > 0).sort(
    (a, b) => weightOf(b) - weightOf(a) || isNamed(b) - isNamed(a),
  );
  const isDefault = best === IMAGE_FORMATS[0] && !isNamed(best);
  if (named === undefined && best !== undefined) return isDefault ? undefined : best;
  const same = IMAGE_FORMATS.find((format) => format === named);
  // A format that there is not is refused with the rest of the input.
  if (same === undefined ? any > 0 : weightOf(same) > 0) return same;
  const told = named === undefined ? '' : ` and output_format says ${JSON.stringify(named)}`;
  throw new AppError(
    'not-acceptable',
    `This route answers with image/png, image/jpeg or image/webp; Accept asks for ${accept}${told}.`,
  );
}
