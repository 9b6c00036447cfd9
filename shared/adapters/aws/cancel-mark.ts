import { jobMarks } from '#shared/core/job-marks.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';

/** Nothing can be taken out of SageMaker's queue: a mark tells the GPU function not to begin. */
export function createCancelMark(blobs: Pick<BlobStore, 'put'>): InferenceQueue['cancel'] {
  const nothing = new TextEncoder().encode('{}');
  return (job) => blobs.put(jobMarks.cancel(job), nothing, 'application/json');
}
