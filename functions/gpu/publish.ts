import {
  type ImageRecord,
  type InferenceRequest,
  MEDIA_TYPES,
  type Receipt,
} from '#shared/core/inference.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { MadeImage } from './encoders.ts';
import { imageKey } from './read-task.ts';

/**
 * Stores a task's images, then its receipt: only once everything is made, so that a task that ends
 * early leaves nothing behind but what it answers with. Writing the receipt is the point of no return:
 * from then on the job may be settled from it, answered or not.
 *
 * @param receiptOf the receipt for the stored images and the milliseconds that storing took
 * @param isLate whether the task's time ran out before its receipt: the images are taken back then
 * @returns undefined when it was late
 */
export async function publish(
  request: InferenceRequest,
  images: readonly MadeImage[],
  blobs: BlobStore,
  receiptOf: (images: readonly ImageRecord[], uploadMs: number) => Receipt,
  isLate: () => boolean,
): Promise<Receipt | undefined> {
  const started = performance.now();
  const receiptObjectKey = `${request.store.prefix.replace(/\/+$/, '')}/receipt.json`;
  const records = images.map(({ record }) => ({ ...record, key: imageKey(request, record.index) }));
  try {
    await putAll(request, images, blobs);
    const receipt = receiptOf(records, performance.now() - started);
    if (!isLate()) {
      const bytes = new TextEncoder().encode(JSON.stringify(receipt));
      await blobs.put(receiptObjectKey, bytes, 'application/json');
      return receipt;
    }
  } catch (error) {
    await takeBack([...records.map(({ key }) => key), receiptObjectKey], blobs);
    throw error;
  }
  await takeBack(
    records.map(({ key }) => key),
    blobs,
  );
  return undefined;
}

/** Waits for all puts before it reports a failure: one still under way would outlive the clean-up. */
async function putAll(
  request: InferenceRequest,
  images: readonly MadeImage[],
  blobs: BlobStore,
): Promise<void> {
  const type = MEDIA_TYPES[request.output_format];
  const results = await Promise.allSettled(
    images.map(({ record, bytes }) => blobs.put(imageKey(request, record.index), bytes, type)),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function takeBack(keys: readonly string[], blobs: BlobStore): Promise<void> {
  await Promise.allSettled(keys.map((key) => blobs.delete(key)));
}
