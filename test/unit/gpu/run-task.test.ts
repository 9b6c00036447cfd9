import { describe, expect, it } from 'vitest';
import type { DrawEvents } from '#functions/gpu/device.ts';
import { type RunTaskDeps, runTask } from '#functions/gpu/run-task.ts';
import { stopError } from '#functions/gpu/task-queue.ts';
import type { WorkResult } from '#functions/gpu/worker-process.ts';
import { AppError } from '#shared/core/errors.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { drawnPicture, madeImage, queuedTask } from '#test/helpers/gpu-task.ts';

const DEADLINE = 5000;
const RESULT: WorkResult = {
  ms: { load: 0, text: 1, unet: 2, vae: 3 },
  versions: { onestep: '1' },
  warnings: [],
};

const queued = (count: number) => queuedTask('j', count, DEADLINE);

interface SetUp {
  /** A key that the store refuses. */
  readonly refuse?: string;
  readonly putTakesMs?: number;
  readonly receiptTakesMs?: number;
  /** How a picture is encoded; at once where absent. */
  readonly encode?: RunTaskDeps['encode'];
}

/** A store in memory, and a clock that puts of images or receipts move on. */
function setUp(options: SetUp = {}) {
  const objects = new Map<string, Uint8Array>();
  let now = 1000;
  const blobs = {
    async put(key: string, bytes: Uint8Array) {
      if (key === options.refuse) throw new AppError('unavailable', 'The store is away.');
      if (key.endsWith('.png')) now += options.putTakesMs ?? 0;
      if (key.endsWith('receipt.json')) now += options.receiptTakesMs ?? 0;
      objects.set(key, bytes);
    },
    head: async (key: string) => (objects.has(key) ? { key } : undefined),
    delete: async (key: string) => void objects.delete(key),
  } as unknown as BlobStore;
  /** @param run what the device does once it is the task's turn */
  const deps = (
    run: (events: DrawEvents, signal: AbortSignal) => Promise<WorkResult>,
    waited = false,
  ): RunTaskDeps => ({
    clock: { now: () => now },
    device: {
      async draw(_, events, signal) {
        events.onTurn(waited);
        return await run(events, signal);
      },
    },
    encode: options.encode ?? (async ({ index }) => madeImage(index)),
    storeFor: () => blobs,
    deviceName: 'cpu',
    onMarkError: () => undefined,
  });
  const outputs = () => [...objects.keys()].filter((key) => key.startsWith('outputs/')).sort();
  const cancel = () => objects.set('jobs/j/cancel', new Uint8Array());
  return { objects, deps, outputs, cancel };
}

/** Draws this many pictures, as if the device were never told to stop. */
const draws = (count: number) => async (events: DrawEvents) => {
  for (let index = 0; index < count; index += 1) {
    events.onPicture(drawnPicture(index), () => undefined);
  }
  return RESULT;
};

/** Draws pictures until it is told to stop, with room for a look after each. */
async function drawUntilStopped(
  events: DrawEvents,
  count: number,
  after: (index: number) => void,
): Promise<WorkResult> {
  let stopped = false;
  for (let index = 0; index < count && !stopped; index += 1) {
    events.onPicture(drawnPicture(index), () => {
      stopped = true;
    });
    after(index);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return RESULT;
}

describe('the key that receipts inside images are signed with', () => {
  it('is that of the deployment, unless the task brings its own', async () => {
    const seen: unknown[] = [];
    const { deps } = setUp({
      async encode({ index }, _request, _model, secret) {
        seen.push(secret);
        return madeImage(index);
      },
    });
    const ours = Uint8Array.of(1);
    const own = Uint8Array.of(2);
    const withKey = { ...deps(draws(1)), signingKey: async () => ours };
    await runTask(queued(1), withKey);
    const bringing = queued(1);
    await runTask({ ...bringing, task: { ...bringing.task, signingKey: own } }, withKey);
    await runTask(queued(1), deps(draws(1)));
    expect(seen).toEqual([ours, own, undefined]);
  });
});

describe('runTask', () => {
  it('stores images, then the receipt that lists them', async () => {
    const { deps, outputs } = setUp();
    const receipt = await runTask(queued(2), deps(draws(2)));
    expect(receipt.images.map(({ key }) => key)).toEqual(['outputs/j/0.png', 'outputs/j/1.png']);
    expect(receipt.ms).toMatchObject({ text: 1, unet: 2, vae: 3, encode: 8 });
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/1.png', 'outputs/j/receipt.json']);
  });

  it('lists images in their order, whichever was encoded first', async () => {
    const { deps } = setUp({
      async encode({ index }) {
        if (index === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        return madeImage(index);
      },
    });
    const receipt = await runTask(queued(2), deps(draws(2)));
    expect(receipt.images.map(({ index }) => index)).toEqual([0, 1]);
  });

  it.each([
    [1000, 'canceled', []],
    [1001, undefined, ['outputs/j/0.png', 'outputs/j/receipt.json']],
  ])('does not begin what must have begun by now: %d', async (begin_by, code, stored) => {
    const { deps, outputs } = setUp();
    const { task, ...rest } = queued(1);
    const bounded = { ...task, request: { ...task.request, begin_by } };
    const ended = await runTask({ ...rest, task: bounded }, deps(draws(1))).catch(
      (error: unknown) => error,
    );
    expect((ended as { code?: string }).code).toBe(code);
    expect(outputs()).toEqual(stored);
  });

  it('takes everything back when one put fails', async () => {
    const { deps, outputs } = setUp({ refuse: 'outputs/j/1.png' });
    await expect(runTask(queued(2), deps(draws(2)))).rejects.toMatchObject({ code: 'unavailable' });
    expect(outputs()).toEqual([]);
  });

  it('takes everything back when the deadline passes while storing', async () => {
    const { deps, outputs } = setUp({ putTakesMs: DEADLINE });
    await expect(runTask(queued(1), deps(draws(1)))).rejects.toMatchObject({
      code: 'deadline-exceeded',
    });
    expect(outputs()).toEqual([]);
  });

  it('keeps a task whose receipt was written when the deadline passed', async () => {
    const { deps, outputs } = setUp({ receiptTakesMs: DEADLINE });
    const receipt = await runTask(queued(1), deps(draws(1)));
    expect(receipt.images).toHaveLength(1);
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/receipt.json']);
  });

  it('stores nothing of a task that fails halfway', async () => {
    const { deps, outputs } = setUp();
    const run = runTask(
      queued(2),
      deps(async (events) => {
        events.onPicture(drawnPicture(0), () => undefined);
        throw new AppError('out-of-memory', 'The vae graph ran out of memory.');
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'out-of-memory' });
    expect(outputs()).toEqual([]);
  });

  it('stores nothing of a task with a picture that cannot be encoded, and draws no more of it', async () => {
    const { deps, outputs } = setUp({
      encode: () => Promise.reject(new AppError('model-error', 'The file can not be signed.')),
    });
    let last = -1;
    const run = runTask(
      queued(4),
      deps((events) =>
        drawUntilStopped(events, 4, (index) => {
          last = index;
        }),
      ),
    );
    await expect(run).rejects.toMatchObject({ code: 'model-error' });
    expect(last).toBeLessThan(2);
    expect(outputs()).toEqual([]);
  });
});

describe('a cancellation', () => {
  it('keeps what was drawn before it was there', async () => {
    const { deps, outputs, cancel } = setUp();
    const run = runTask(
      queued(3),
      deps((events) => drawUntilStopped(events, 3, (index) => index === 0 && cancel())),
    );
    await expect(run).rejects.toMatchObject({
      code: 'canceled',
      images: [{ index: 0 }, { index: 1 }],
    });
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/1.png', 'outputs/j/receipt.json']);
  });

  it('drops what the device drew before it heard of it', async () => {
    const { deps, outputs, cancel } = setUp();
    const run = runTask(
      queued(3),
      deps(async (events) => {
        cancel();
        return await draws(3)(events);
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'canceled', images: [{ index: 0 }] });
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/receipt.json']);
  });

  it('that came while another task was drawn leaves nothing', async () => {
    const { deps, outputs, cancel } = setUp();
    const task = deps(draws(1), true);
    const { draw } = task.device;
    const device: RunTaskDeps['device'] = {
      draw(...drawing) {
        cancel();
        return draw(...drawing);
      },
    };
    await expect(runTask(queued(1), { ...task, device })).rejects.toMatchObject({
      code: 'canceled',
      images: [],
    });
    expect(outputs()).toEqual([]);
  });

  it.each([
    ['canceled', ['outputs/j/0.png', 'outputs/j/receipt.json']],
    ['deadline-exceeded', []],
  ] as const)('while pictures are encoded: %s ends the task at once', async (reason, left) => {
    const { deps, outputs } = setUp({
      encode: ({ index }) =>
        index === 0 ? Promise.resolve(madeImage(0)) : new Promise(() => undefined),
    });
    const task = queued(2);
    const run = runTask(
      task,
      deps(async (events) => {
        const result = await draws(2)(events);
        setTimeout(() => {
          task.stopReason = reason;
          task.abort(stopError(reason));
        }, 10);
        return result;
      }),
    );
    await expect(run).rejects.toMatchObject({ code: reason });
    expect(outputs()).toEqual(left);
  });
});

describe('runTask with an image check', () => {
  it('stores the allowed images and lists the blocked', async () => {
    const { deps, outputs } = setUp();
    const receipt = await runTask(queued(2), {
      ...deps(draws(2)),
      checkImage: async ({ index }) =>
        index === 0 ? { allowed: false, reason: 'no' } : { allowed: true },
    });
    expect(receipt.images.map(({ index }) => index)).toEqual([1]);
    expect(receipt.blocked).toEqual([{ index: 0, reason: 'no' }]);
    expect(outputs()).toEqual(['outputs/j/1.png', 'outputs/j/receipt.json']);
  });

  it('answers with a receipt without images when all are blocked', async () => {
    const { deps, outputs } = setUp();
    const checkImage = async () => ({ allowed: false, reason: 'no' }) as const;
    const receipt = await runTask(queued(2), { ...deps(draws(2)), checkImage });
    expect(receipt).toMatchObject({ images: [], blocked: [{ index: 0 }, { index: 1 }] });
    expect(outputs()).toEqual(['outputs/j/receipt.json']);
  });

  it('stores nothing when the check fails', async () => {
    const { deps, outputs } = setUp();
    const checkImage = () => Promise.reject(new Error('away'));
    const task = runTask(queued(2), { ...deps(draws(2)), checkImage });
    await expect(task).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(outputs()).toEqual([]);
  });
});
