import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { ImageRecord, InferenceRequest, Receipt } from '#shared/core/inference.ts';
import { recipeOf } from '#shared/engine/package/manifest.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { ImageCheck } from '#shared/service/ports/image-check.ts';
import { createTaskCheck } from './image-check.ts';
import { createMarks } from './marks.ts';
import { publish } from './publish.ts';
import { type QueuedTask, stopError } from './task-queue.ts';
import type { MadeImage } from './worker-messages.ts';
import type { WorkerProcess, WorkResult } from './worker-process.ts';

export interface RunTaskDeps {
  readonly clock: Clock;
  readonly worker: Pick<WorkerProcess, 'run'>;
  /** @throws AppError `invalid-input` for a store that this function does not write to */
  readonly storeFor: (store: InferenceRequest['store']) => BlobStore;
  /** `cpu` or `cuda`, with the processor's name. */
  readonly device: string;
  /** The secret that images are marked with, where the task brings none; undefined takes the worker's own. */
  readonly signingKey?: () => Promise<Uint8Array | undefined>;
  readonly onMarkError: (error: unknown) => void;
  /** Decides which images may be stored; every one may where there is none. */
  readonly checkImage?: ImageCheck | undefined;
}

/**
 * Runs one task to its receipt: marks, images, storage. Ended early by a cancellation, it stores the
 * images that were finished and throws with their records; by anything else, it stores nothing.
 */
export async function runTask(queued: QueuedTask, deps: RunTaskDeps): Promise<Receipt> {
  const { request, model, work } = queued.task;
  const { state } = queued;
  const blobs = deps.storeFor(request.store);
  const marks = createMarks(request.job, blobs, deps.onMarkError);
  if (await marks.isCanceled()) queued.stopReason ??= 'canceled';
  if (queued.stopReason !== undefined) throw stopError(queued.stopReason);

  state.startedAt = deps.clock.now();
  state.phase = 'loading';
  marks.started(state.startedAt);
  const images: MadeImage[] = [];
  const check = createTaskCheck(deps.checkImage, request);
  let result: WorkResult | undefined;
  let failure: unknown;
  try {
    const signingKey = work.signingKey ?? (await deps.signingKey?.());
    result = await deps.worker.run(
      { ...work, signingKey },
      {
        onPhase(phase) {
          state.phase = phase;
          marks.phase(phase, images.length);
        },
        onImage(image) {
          images.push(image);
          check.add(image);
          state.imagesDone = images.length;
          marks.phase('running', images.length);
        },
        async shouldGoOn() {
          if (await marks.isCanceled()) queued.stopReason ??= 'canceled';
          return queued.stopReason === undefined;
        },
      },
    );
  } catch (error) {
    failure = error;
  }
  const isComplete = images.length === work.numOutputs && result !== undefined;
  await marks.settled();
  if (!isComplete && queued.stopReason !== 'canceled') {
    throw queued.stopReason === undefined ? failure : stopError(queued.stopReason);
  }

  const { allowed, blocked } = await check.result();
  const receiptOf = (stored: readonly ImageRecord[], uploadMs: number): Receipt => ({
    job: request.job,
    images: [...stored],
    ms: { ...(result?.ms ?? NO_TIME), upload: uploadMs },
    model: {
      name: model.manifest.name,
      digest: model.manifest.digest,
      recipe: recipeOf(model.manifest),
    },
    versions: { ...result?.versions },
    device: deps.device,
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

/** What is known of the stages' times when the worker was killed. */
const NO_TIME = { load: 0, text: 0, unet: 0, vae: 0, encode: 0 };
