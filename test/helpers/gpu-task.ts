import type { MadeImage } from '#functions/gpu/encoders.ts';
import type { Task } from '#functions/gpu/read-task.ts';
import type { QueuedTask } from '#functions/gpu/task-queue.ts';
import type { DrawnPicture } from '#functions/gpu/worker-messages.ts';

/** A picture of eight pixels a side that no model drew. */
export function drawnPicture(index: number): DrawnPicture {
  return { index, seed: 1, width: 8, height: 8, pixels: Uint8Array.of(index, 1, 2) };
}

/** What an encoder makes of it, without the digests. */
export function madeImage(index: number): MadeImage {
  const record = { index, sha256: '', pixels_sha256: '', bytes: 3, width: 8, height: 8, seed: 1 };
  return {
    record: { ...record, format: 'png' },
    bytes: Uint8Array.of(index, 1, 2),
    encodeMs: 4,
  };
}

/** A task in the GPU function, in flight, and the end that its signal brings. */
export function queuedTask(
  job: string,
  numOutputs: number,
  deadline: number,
): QueuedTask & { abort(reason: Error): void } {
  const task = {
    request: {
      job,
      deadline,
      output_format: 'png',
      store: { kind: 'file', prefix: `outputs/${job}/` },
    },
    model: { folder: '', manifest: { name: 'demo', digest: 'd' } },
    work: { numOutputs },
    signingKey: undefined,
  } as unknown as Task;
  const controller = new AbortController();
  return {
    task,
    state: { phase: 'queued', startedAt: undefined, imagesDone: 0 },
    stopReason: undefined,
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
  };
}
