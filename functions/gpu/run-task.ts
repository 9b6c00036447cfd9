import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { ImageRecord, InferenceRequest, Receipt } from '#shared/core/inference.ts';
import { recipeOf } from '#shared/engine/package/manifest.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { ImageCheck } from '#shared/service/ports/image-check.ts';
import type { MadeImage } from './encoders.ts';
import { createTaskCheck } from './image-check.ts';
import { type MakeImagesDeps, makeImages } from './make-images.ts';
import { createMarks, type TaskMarks } from './marks.ts';
import { publish } from './publish.ts';
import { type QueuedTask, stopError } from './task-queue.ts';

export interface RunTaskDeps extends MakeImagesDeps {
  readonly clock: Clock;
  /** @throws AppError `invalid-input` for a store that this function does not write to */
  readonly storeFor: (store: InferenceRequest['store']) => BlobStore;
  /** `cpu` or `cuda`, with the processor's name. */
  readonly deviceName: string;
  readonly onMarkError: (error: unknown) => void;
  /** Decides which images may be stored; every one may where there is none. */
  readonly checkImage?: ImageCheck | undefined;
}

/**
 * Runs one task to its receipt: marks, images, storage. Ended early by a cancellation, it stores the
 * images that were finished and throws with their records; by anything else, it stores nothing.
 */
export async function runTask(queued: QueuedTask, deps: RunTaskDeps): Promise<Receipt> {
  const { request } = queued.task;
  const blobs = deps.storeFor(request.store);
  const marks = createMarks(request.job, blobs, deps.onMarkError);
  try {
    return await runMarked(queued, blobs, marks, deps);
  } finally {
    // They are written beside the rest, but not after the end.
    await marks.settled();
  }
}

async function runMarked(
  queued: QueuedTask,
  blobs: BlobStore,
  marks: TaskMarks,
  deps: RunTaskDeps,
): Promise<Receipt> {
  const { request, model, work } = queued.task;
  const { begin_by: beginBy = Number.POSITIVE_INFINITY } = request;
  if (deps.clock.now() >= beginBy || (await marks.isCanceled())) queued.stopReason ??= 'canceled';
  if (queued.stopReason !== undefined) throw stopError(queued.stopReason);

  const check = createTaskCheck(deps.checkImage, request);
  const { images, result, failure } = await makeImages(queued, marks, check, deps);
  const isComplete = images.length === work.numOutputs && result !== undefined;
  if (!isComplete && queued.stopReason !== 'canceled') {
    throw queued.stopReason === undefined ? failure : stopError(queued.stopReason);
  }

  const { allowed, blocked } = await check.result(images);
  const receiptOf = (stored: readonly ImageRecord[], uploadMs: number): Receipt => ({
    job: request.job,
    images: [...stored],
    ms: { ...(result?.ms ?? NO_TIME), encode: sumOf(images), upload: uploadMs },
    model: {
      name: model.manifest.name,
      digest: model.manifest.digest,
      recipe: recipeOf(model.manifest),
    },
    versions: { ...result?.versions },
    device: deps.deviceName,
    ...defined({ decoder: request.decoder }),
    warnings: [...(result?.warnings ?? [])],
    ...(blocked.length > 0 && { blocked: [...blocked] }),
  });
  const isLate = () => deps.clock.now() > request.deadline;
  if (allowed.length === 0 && !isComplete) throw stopError('canceled');
  const receipt = await publish(request, allowed, blobs, receiptOf, isLate);
  if (receipt === undefined) throw stopError('deadline-exceeded');
  if (!isComplete) throw stopError('canceled', receipt.images);
  return receipt;
}

const sumOf = (images: readonly MadeImage[]): number =>
  images.reduce((sum, { encodeMs }) => sum + encodeMs, 0);

/** What is known of the stages' times when the worker was killed. */
const NO_TIME = { load: 0, text: 0, unet: 0, vae: 0 };
