import type { JobId } from '#shared/core/ids.ts';
import type { ImageRecord, InferenceRequest } from '#shared/core/inference.ts';
import { receiptObjectKey } from '#shared/core/output-keys.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { Completion, InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { sampleImage, sampleReceipt } from './samples.ts';

export interface GpuStandIn {
  readonly queue: InferenceQueue;
  /** Orders handed over and not forgotten. */
  readonly orders: Map<JobId, InferenceRequest>;
  readonly canceled: Set<JobId>;
  /** Makes the first `count` images of an order (default all), stores them, and tells of it. */
  run(job: JobId, count?: number): Promise<Completion>;
  /** Ends an order with an error after `count` images. */
  fail(job: JobId, retryable: boolean, count?: number): Promise<Completion>;
}

/** An inference queue and the GPU function behind it, without a model. */
export function createGpuStandIn(
  blobs: Pick<BlobStore, 'put'>,
  settings: { readonly lanes: number },
): GpuStandIn {
  const orders = new Map<JobId, InferenceRequest>();
  const canceled = new Set<JobId>();

  const make = async (job: JobId, count?: number): Promise<ImageRecord[]> => {
    const ordered = orders.get(job)?.num_outputs ?? 1;
    const images = Array.from({ length: Math.min(count ?? ordered, ordered) }, (_, index) =>
      sampleImage(job, index),
    );
    for (const { key, bytes } of images) await blobs.put(key, new Uint8Array(bytes), 'image/png');
    const receipt = JSON.stringify(sampleReceipt(job, images));
    await blobs.put(receiptObjectKey(job), new TextEncoder().encode(receipt), 'application/json');
    return images;
  };

  return {
    orders,
    canceled,
    queue: {
      capacity: async () => Math.max(0, settings.lanes - orders.size),
      async submit(request) {
        orders.set(request.job as JobId, request);
      },
      async cancel(job) {
        canceled.add(job);
      },
      progress: async (job) => ({ phase: orders.has(job) ? 'running' : 'queued', imagesDone: 0 }),
    },

    async run(job, count) {
      const images = await make(job, count);
      orders.delete(job);
      return { job, outcome: { kind: 'completed', receipt: sampleReceipt(job, images) } };
    },

    async fail(job, retryable, count = 0) {
      const images = count === 0 ? [] : await make(job, count);
      orders.delete(job);
      const message = 'The model failed';
      return { job, outcome: { kind: 'failed', code: 'model-error', message, retryable, images } };
    },
  };
}
