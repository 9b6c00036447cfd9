import type { JobId } from '#shared/core/ids.ts';
import type { ImageRecord, InferenceRequest } from '#shared/core/inference.ts';
import { outputPrefix, receiptObjectKey } from '#shared/core/output-keys.ts';
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
  /**
   * Tells of all images of an order, of which the first did not get to storage, or only these bytes of it; one
   * that is there stays.
   */
  lose(job: JobId, stored?: Uint8Array): Promise<Completion>;
  /** Ends an order with an error after `count` images. */
  fail(job: JobId, retryable: boolean, count?: number): Promise<Completion>;
}

/** An inference queue and the GPU function behind it, without a model. */
export function createGpuStandIn(
  blobs: Pick<BlobStore, 'put' | 'head'>,
  settings: { readonly lanes: number },
): GpuStandIn {
  const orders = new Map<JobId, InferenceRequest>();
  const canceled = new Set<JobId>();

  const store = (key: string, bytes: Uint8Array) => blobs.put(key, bytes, 'image/png');
  const make = async (job: JobId, count?: number, put = store): Promise<ImageRecord[]> => {
    const ordered = orders.get(job)?.num_outputs ?? 1;
    const images = Array.from({ length: Math.min(count ?? ordered, ordered) }, (_, index) =>
      sampleImage(job, index),
    );
    for (const { key, bytes } of images) await put(key, new Uint8Array(bytes));
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

    async lose(job, stored) {
      const images = await make(job, undefined, async (key, bytes) => {
        if (key !== firstImage(job)) return store(key, bytes);
        const isThere = (await blobs.head(key)) !== undefined;
        if (!isThere && stored !== undefined) await store(key, stored);
      });
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

/** Where the first image of an order goes. */
export const firstImage = (job: JobId) => `${outputPrefix(job)}0.png`;
