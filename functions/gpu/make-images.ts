import type { Clock } from '#shared/core/clock.ts';
import { recipeOf } from '#shared/engine/package/manifest.ts';
import { type Device, unlessAborted } from './device.ts';
import type { Encoders, MadeImage } from './encoders.ts';
import type { TaskCheck } from './image-check.ts';
import type { TaskMarks } from './marks.ts';
import type { QueuedTask } from './task-queue.ts';
import type { DrawnPicture } from './worker-messages.ts';
import type { WorkResult } from './worker-process.ts';

export interface MakeImagesDeps {
  readonly clock: Clock;
  readonly device: Device;
  readonly encode: Encoders['encode'];
  /** The secret that images are marked with, where the task brings none; undefined takes the process's own. */
  readonly signingKey?: () => Promise<Uint8Array | undefined>;
}

/** What was made of a task by its end, which may have been an early one. */
export interface MadeImages {
  /** In the order of their indices. */
  readonly images: readonly MadeImage[];
  /** Undefined when the drawing did not come to its end. */
  readonly result: WorkResult | undefined;
  /** Why something is missing, unless the task was stopped. */
  readonly failure: unknown;
}

/**
 * Draws a task's pictures, and encodes them beside the drawing of the next, of this task or another. The
 * device never waits for a look whether the task was canceled: it goes on, and what it drew after the moment
 * that was looked at is dropped.
 */
export async function makeImages(
  queued: QueuedTask,
  marks: TaskMarks,
  check: TaskCheck,
  deps: MakeImagesDeps,
): Promise<MadeImages> {
  const { task, state, signal } = queued;
  const images: MadeImage[] = [];
  const encodings = new Map<number, Promise<void>>();
  const looks: Promise<void>[] = [];
  /** How many pictures count. */
  let wanted = task.work.numOutputs;
  let result: WorkResult | undefined;

  /** @param drawn pictures that were drawn when the look began; none after them counts if it finds a mark */
  const look = async (drawn: number, stop: () => void): Promise<void> => {
    if (!(await marks.isCanceled())) return;
    queued.stopReason ??= 'canceled';
    wanted = Math.min(wanted, drawn);
    stop();
  };
  const encode = async (picture: DrawnPicture): Promise<void> => {
    const secret = task.signingKey ?? (await deps.signingKey?.());
    const { name, digest } = task.model.manifest;
    const model = { name, digest, recipe: recipeOf(task.model.manifest) };
    const image = await deps.encode(picture, task.request, model, secret);
    if (signal.aborted) return;
    images.push(image);
    check.add(image);
    state.imagesDone = images.length;
    marks.phase('running', images.length);
  };
  const made = (failure?: unknown): MadeImages => ({
    images: images
      .filter(({ record }) => record.index < wanted)
      .sort((a, b) => a.record.index - b.record.index),
    result,
    failure,
  });

  /** Known only once there is a run to stop. */
  let stop: () => void = () => undefined;
  let mustStop = false;
  const stopDrawing = (): void => {
    mustStop = true;
    stop();
  };
  try {
    result = await deps.device.draw(
      task.work,
      {
        onTurn(waited) {
          state.startedAt = deps.clock.now();
          state.phase = 'loading';
          marks.started(state.startedAt);
          if (waited) looks.push(look(0, stopDrawing));
        },
        onPhase(phase) {
          state.phase = phase;
          marks.phase(phase, images.length);
        },
        onPicture(picture, stopRun) {
          stop = stopRun;
          if (mustStop) stop();
          const encoding = encode(picture);
          // It is looked at below; a run that fails by itself asks for none.
          encoding.catch(stopDrawing);
          encodings.set(picture.index, encoding);
          const isLast = picture.index === task.work.numOutputs - 1;
          if (!isLast) looks.push(look(picture.index + 1, stopDrawing));
        },
      },
      signal,
    );
    await unlessAborted(Promise.all(looks), signal);
    const counted = [...encodings].filter(([index]) => index < wanted);
    await unlessAborted(Promise.all(counted.map(([, encoding]) => encoding)), signal);
    return made();
  } catch (failure) {
    return made(failure);
  }
}
