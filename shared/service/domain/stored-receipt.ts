import type { JobId } from '#shared/core/ids.ts';
import { type Receipt, ReceiptSchema } from '#shared/core/inference.ts';
import { receiptObjectKey } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { readStoredJson } from './stored-json.ts';

/** The receipt that the GPU function left in storage; undefined when there is none for this job. */
export async function readStoredReceipt(
  job: JobId,
  blobs: Pick<BlobStore, 'get'>,
): Promise<Receipt | undefined> {
  const parsed = ReceiptSchema.safeParse(await readStoredJson(receiptObjectKey(job), blobs));
  return parsed.success && parsed.data.job === job ? parsed.data : undefined;
}
