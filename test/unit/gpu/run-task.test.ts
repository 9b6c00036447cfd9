import { describe, expect, it } from 'vitest';
import type { Task } from '#functions/gpu/read-task.ts';
import { type RunTaskDeps, runTask } from '#functions/gpu/run-task.ts';
import type { QueuedTask } from '#functions/gpu/task-queue.ts';
import type { MadeImage } from '#functions/gpu/worker-messages.ts';
import type { WorkResult } from '#functions/gpu/worker-process.ts';
import { AppError } from '#shared/core/errors.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

const DEADLINE = 5000;
const RESULT: WorkResult = {
  ms: { load: 0, text: 1, unet: 2, vae: 3, encode: 4 },
  versions: { onestep: '1' },
  warnings: [],
};

function image(index: number): MadeImage {
  const bytes = Uint8Array.of(index, 1, 2);
  const record = { index, sha256: '', pixels_sha256: '', bytes: 3, width: 8, height: 8, seed: 1 };
  return { record: { ...record, format: 'png' }, bytes };
}

function queued(count: number): QueuedTask {
  const task = {
    request: {
      job: 'j',
      deadline: DEADLINE,
      output_format: 'png',
      store: { kind: 'file', prefix: 'outputs/j/' },
    },
    model: { folder: '', manifest: { name: 'demo', digest: 'd' } },
    work: { numOutputs: count },
  } as unknown as Task;
  return {
    task,
    state: { phase: 'queued', startedAt: undefined, imagesDone: 0 },
    stopReason: undefined,
  };
}

/** A store in memory that can refuse one key, and a clock that puts of images or receipts move on. */
function setUp(options: { refuse?: string; putTakesMs?: number; receiptTakesMs?: number } = {}) {
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
  const deps = (run: RunTaskDeps['worker']['run']): RunTaskDeps => ({
    clock: { now: () => now },
    worker: { run },
    storeFor: () => blobs,
    device: 'cpu',
    onMarkError: () => undefined,
  });
  const outputs = () => [...objects.keys()].filter((key) => key.startsWith('outputs/')).sort();
  return { objects, deps, outputs };
}

describe('the key that receipts inside images are signed with', () => {
  it('is that of the deployment, unless the task brings its own', async () => {
    const { deps } = setUp();
    const seen: unknown[] = [];
    const run: RunTaskDeps['worker']['run'] = async (work, { onImage }) => {
      seen.push(work.signingKey);
      onImage(image(0));
      return RESULT;
    };
    const ours = Uint8Array.of(1);
    const own = Uint8Array.of(2);
    const withKey = { ...deps(run), signingKey: async () => ours };
    await runTask(queued(1), withKey);
    const bringing = queued(1);
    await runTask(
      { ...bringing, task: { ...bringing.task, work: { ...bringing.task.work, signingKey: own } } },
      withKey,
    );
    await runTask(queued(1), deps(run));
    expect(seen).toEqual([ours, own, undefined]);
  });
});

describe('runTask', () => {
  it('stores images, then the receipt that lists them', async () => {
    const { deps, outputs } = setUp();
    const receipt = await runTask(
      queued(2),
      deps(async (_, events) => {
        events.onImage(image(0));
        expect(await events.shouldGoOn()).toBe(true);
        events.onImage(image(1));
        return RESULT;
      }),
    );
    expect(receipt.images.map(({ key }) => key)).toEqual(['outputs/j/0.png', 'outputs/j/1.png']);
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/1.png', 'outputs/j/receipt.json']);
  });

  it('takes everything back when one put fails', async () => {
    const { deps, outputs } = setUp({ refuse: 'outputs/j/1.png' });
    const run = runTask(
      queued(2),
      deps(async (_, events) => {
        for (const index of [0, 1]) events.onImage(image(index));
        return RESULT;
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'unavailable' });
    expect(outputs()).toEqual([]);
  });

  it('takes everything back when the deadline passes while storing', async () => {
    const { deps, outputs } = setUp({ putTakesMs: DEADLINE });
    const run = runTask(
      queued(1),
      deps(async (_, events) => {
        events.onImage(image(0));
        return RESULT;
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(outputs()).toEqual([]);
  });

  it('keeps a task whose receipt was written when the deadline passed', async () => {
    const { deps, outputs } = setUp({ receiptTakesMs: DEADLINE });
    const receipt = await runTask(
      queued(1),
      deps(async (_, events) => {
        events.onImage(image(0));
        return RESULT;
      }),
    );
    expect(receipt.images).toHaveLength(1);
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/receipt.json']);
  });

  it('stores nothing of a task that fails halfway', async () => {
    const { deps, outputs } = setUp();
    const run = runTask(
      queued(2),
      deps(async (_, events) => {
        events.onImage(image(0));
        throw new AppError('out-of-memory', 'The vae graph ran out of memory.');
      }),
    );
    await expect(run).rejects.toMatchObject({ code: 'out-of-memory' });
    expect(outputs()).toEqual([]);
  });

  it('keeps what was finished before a cancellation', async () => {
    const { deps, outputs, objects } = setUp();
    const run = runTask(
      queued(3),
      deps(async (_, events) => {
        events.onImage(image(0));
        objects.set('jobs/j/cancel', new Uint8Array());
        expect(await events.shouldGoOn()).toBe(false);
        return RESULT;
      }),
    );
    await expect(run).rejects.toMatchObject({
      code: 'canceled',
      images: [{ index: 0, key: 'outputs/j/0.png' }],
    });
    expect(outputs()).toEqual(['outputs/j/0.png', 'outputs/j/receipt.json']);
  });
});

describe('runTask with an image check', () => {
  const run: RunTaskDeps['worker']['run'] = async (_, events) => {
    for (const index of [0, 1]) events.onImage(image(index));
    return RESULT;
  };

  it('stores the allowed images and lists the blocked', async () => {
    const { deps, outputs } = setUp();
    const receipt = await runTask(queued(2), {
      ...deps(run),
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
    const receipt = await runTask(queued(2), { ...deps(run), checkImage });
    expect(receipt).toMatchObject({ images: [], blocked: [{ index: 0 }, { index: 1 }] });
    expect(outputs()).toEqual(['outputs/j/receipt.json']);
  });

  it('stores nothing when the check fails', async () => {
    const { deps, outputs } = setUp();
    const checkImage = () => Promise.reject(new Error('away'));
    const task = runTask(queued(2), { ...deps(run), checkImage });
    await expect(task).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(outputs()).toEqual([]);
  });
});
