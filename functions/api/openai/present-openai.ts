import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { ImageRecord } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { type ImagesResponse, RESPONSE_SIZES } from './openai-schema.ts';

/** Images are not counted in tokens here; clients expect the members all the same. */
const NO_TOKENS: ImagesResponse['usage'] = {
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  input_tokens_details: { text_tokens: 0, image_tokens: 0 },
};

type ImageDeps = Pick<RouteDeps, 'blobs' | 'presenter'>;

/** An ended job as OpenAI's images API answers. */
export async function presentImages(
  deps: ImageDeps,
  job: Job,
  format: 'url' | 'b64_json',
  origin: string,
): Promise<ImagesResponse> {
  const data =
    format === 'url'
      ? (await deps.presenter.outputUrls(job, origin)).map((url) => ({ url }))
      : await Promise.all(
          job.images.map(async (image) => ({ b64_json: await imageBase64(deps, image) })),
        );
  return {
    created: Math.floor(job.createdAt / 1000),
    data,
    ...shapeOf(job),
    usage: NO_TOKENS,
    prediction: job.id,
    seed: job.input?.seed ?? 0,
    cost: job.cost ?? ZERO_USD,
    warnings: [...job.warnings],
  };
}

/** The `image_generation.completed` event of one image. */
export async function completedEvent(deps: ImageDeps, job: Job, image: ImageRecord) {
  return {
    type: 'image_generation.completed',
    b64_json: await imageBase64(deps, image),
    created_at: Math.floor((job.completedAt ?? job.createdAt) / 1000),
    ...shapeOf(job),
    usage: NO_TOKENS,
  };
}

/** @throws AppError `gone` when the image was erased in the meantime */
export async function imageBase64(
  { blobs }: Pick<ImageDeps, 'blobs'>,
  image: ImageRecord,
): Promise<string> {
  const bytes = await blobs.get(image.key);
  if (bytes === undefined) throw new AppError('gone', 'The image was erased in the meantime.');
  return Buffer.from(bytes).toString('base64');
}

function shapeOf(job: Job) {
  const [image] = job.images;
  const made = `${image?.width}x${image?.height}`;
  return {
    background: 'opaque' as const,
    output_format: image?.format ?? ('png' as const),
    ...defined({ size: RESPONSE_SIZES.find((size) => size === made) }),
  };
}
