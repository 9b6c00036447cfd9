import {
  type EmbeddedReceipt,
  serializeReceipt,
  signReceipt,
} from '#shared/core/embedded-receipt.ts';
import type { ImageRecord } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';

/** The signature that the file of a job's image carries, or would carry. Undefined once erased. */
export function imageSignature(job: Job, image: ImageRecord, key: Uint8Array): string | undefined {
  if (job.receipt === undefined || job.input === null) return undefined;
  const { model, versions } = job.receipt;
  const { prompt, output_quality: quality, decoder } = job.input;
  return signReceipt(
    serializeReceipt(embeddedReceipt({ model, versions, prompt, quality, decoder, image })),
    key,
  );
}

/** The receipt inside an image's file, from what a prediction's receipt says. */
export function embeddedReceipt(facts: {
  readonly model: EmbeddedReceipt['model'];
  readonly versions: Readonly<Record<string, string>>;
  readonly prompt: string;
  readonly quality: number;
  readonly decoder?: 'draft' | undefined;
  readonly image: Pick<
    ImageRecord,
    'seed' | 'width' | 'height' | 'format' | 'pixels_sha256' | 'delivered_sha256'
  >;
}): EmbeddedReceipt {
  const { seed, width, height, format, pixels_sha256, delivered_sha256 } = facts.image;
  return {
    engine: `onestep ${facts.versions['onestep'] ?? ''}`,
    model: facts.model,
    prompt: facts.prompt,
    seed,
    width,
    height,
    format,
    // A lossless file is the same at any quality.
    quality: format === 'png' ? 100 : facts.quality,
    decoder: facts.decoder,
    pixels_sha256,
    delivered_sha256,
  };
}
