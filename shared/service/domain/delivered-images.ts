import type { ImageRecord } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/**
 * The images of a claimed result that are really there: recorded once, within the order, under the
 * job's own prefix, and stored in full. Only these are paid for.
 */
export async function findDelivered(
  job: Job,
  claimed: readonly ImageRecord[],
  blobs: Pick<BlobStore, 'head'>,
): Promise<readonly ImageRecord[]> {
  const ordered = job.input?.num_outputs ?? 0;
  const byIndex = new Map<number, ImageRecord>();
  for (const image of claimed) {
    if (image.index >= ordered || byIndex.has(image.index)) continue;
    if (image.key.startsWith(outputPrefix(job.id))) byIndex.set(image.index, image);
  }
  const records = [...byIndex.values()].sort((a, b) => a.index - b.index);
  const heads = await Promise.all(records.map(({ key }) => blobs.head(key)));
  return records.filter((record, i) => heads[i]?.sizeBytes === record.bytes);
}
