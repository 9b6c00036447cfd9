import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDevice } from '#functions/gpu/device.ts';
import type { Task } from '#functions/gpu/read-task.ts';
import { runTask } from '#functions/gpu/run-task.ts';
import { createTaskQueue } from '#functions/gpu/task-queue.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { drawnPicture, madeImage, queuedTask } from '#test/helpers/gpu-task.ts';

/**
 * Milliseconds of an order on an instance. The GPU's part is a slower card's; encoding is as measured beside
 * an H100, where an order took 340 ms and 74 of them were the GPU's.
 */
const LOOK_MS = 15;
const GPU_MS = 150;
const ENCODE_MS = 240;
const PUT_MS = 25;
/** Between an answer and the next order: SageMaker writes the answer, tells of it, and takes the next. */
const SAGEMAKER_MS = 40;
/** Threads that encode, on an instance of four processors. */
const ENCODERS = 3;

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Encoders as a pool has them: this many at a time. */
function createPool(size: number): () => Promise<void> {
  const free = Array.from({ length: size }, () => Promise.resolve());
  let next = 0;
  return () => {
    const slot = next++ % size;
    const mine = (free[slot] as Promise<void>).then(() => after(ENCODE_MS));
    free[slot] = mine;
    return mine;
  };
}

/** Orders in a backlog through the GPU function, as SageMaker sends them: so many at a time. */
async function drawBacklog(orders: number, inFlight: number) {
  const encode = createPool(ENCODERS);
  const blobs = {
    head: () => after(LOOK_MS),
    put: () => after(PUT_MS),
    delete: () => after(PUT_MS),
  } as unknown as BlobStore;
  const worker = {
    ready: async () => undefined,
    async run(
      _: unknown,
      events: { onPicture(picture: ReturnType<typeof drawnPicture>, stop: () => void): void },
    ) {
      await after(GPU_MS);
      events.onPicture(drawnPicture(0), () => undefined);
      return { ms: { load: 0, text: 0, unet: 0, vae: 0 }, versions: {}, warnings: [] };
    },
    stop: () => undefined,
  };
  const device = createDevice(worker, () => undefined);
  const clock = { now: () => Date.now() };
  const queue = createTaskQueue({
    clock,
    inFlight,
    maxWaiting: 0,
    run: (queued) =>
      runTask(queued, {
        clock,
        device,
        encode: async ({ index }) => {
          await encode();
          return madeImage(index);
        },
        storeFor: () => blobs,
        deviceName: 'cuda',
        onMarkError: () => undefined,
      }),
  });
  const started = Date.now();
  const ends: number[] = [];
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (sent < orders) {
      sent += 1;
      const { task }: { task: Task } = queuedTask(`job-${sent}`, 1, started + 3_600_000);
      await queue.submit(task);
      ends.push(Date.now() - started);
      await after(SAGEMAKER_MS);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { busy: (orders * GPU_MS) / Math.max(...ends), firstMs: Math.min(...ends) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs it in simulated time. */
async function simulated<Result>(work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const finished = work.finally(() => {
    isDone = true;
  });
  while (!isDone) await vi.advanceTimersByTimeAsync(10);
  return await finished;
}

it('keeps the GPU at work for 85 % of a backlog, and the first picture is no later for it', async () => {
  const alone = await simulated(drawBacklog(40, 1));
  const together = await simulated(drawBacklog(40, ORDER_FLOW.inFlight));
  expect(alone.busy).toBeLessThan(0.4);
  expect(together.busy).toBeGreaterThanOrEqual(0.85);
  expect(together.firstMs).toBeLessThanOrEqual(alone.firstMs);
});
