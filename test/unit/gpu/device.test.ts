import { describe, expect, it, vi } from 'vitest';
import { createDevice, type DrawEvents } from '#functions/gpu/device.ts';
import type { DrawnPicture, WorkerTask } from '#functions/gpu/worker-messages.ts';
import type { WorkEvents, WorkResult } from '#functions/gpu/worker-process.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

const RESULT = { warnings: [] } as unknown as WorkResult;
const task = (prompt: string) => ({ prompt, width: 100, height: 100 }) as WorkerTask;

/** A worker whose run ends when the test says so; an interruption ends it with a failure. */
function setUp(ready = Promise.resolve()) {
  const runs: { prompt: string; finish: () => void; picture: () => void }[] = [];
  const clock = createManualClock(0);
  let fail: (error: Error) => void = () => undefined;
  const interrupt = vi.fn(() => fail(new Error('The inference process ended.')));
  const worker = {
    ready: () => ready,
    run: ({ prompt }: WorkerTask, { onPicture }: WorkEvents) =>
      new Promise<WorkResult>((resolve, reject) => {
        fail = reject;
        const picture = () => onPicture({} as DrawnPicture, () => undefined);
        runs.push({ prompt, finish: () => resolve(RESULT), picture });
      }),
    stop: vi.fn(() => runs.at(-1)?.finish()),
  };
  const device = createDevice(worker, interrupt, clock.now);
  const waited: boolean[] = [];
  const events: DrawEvents = {
    onTurn: (value) => void waited.push(value),
    onPhase: () => undefined,
    onPicture: () => undefined,
  };
  const draw = (prompt: string, controller = new AbortController()) => {
    const drawn = device.draw(task(prompt), events, controller.signal);
    drawn.catch(() => undefined);
    return drawn;
  };
  const prompts = () => runs.map(({ prompt }) => prompt);
  return { draw, runs, prompts, interrupt, waited, clock, worker };
}

describe('createDevice', () => {
  it('draws one task at a time, in the order in which they asked', async () => {
    const { draw, runs, prompts, waited } = setUp();
    const all = ['a', 'b', 'c'].map((prompt) => draw(prompt));
    for (const [i, drawn] of all.entries()) {
      await vi.waitFor(() => expect(runs).toHaveLength(i + 1));
      runs[i]?.finish();
      expect(await drawn).toBe(RESULT);
    }
    expect(prompts()).toEqual(['a', 'b', 'c']);
    expect(waited).toEqual([false, true, true]);
  });

  it('lets a waiting task leave the line without touching the drawing one', async () => {
    const { draw, runs, prompts, interrupt } = setUp();
    const controller = new AbortController();
    const first = draw('a');
    const second = draw('b', controller);
    const third = draw('c');
    controller.abort(new Error('canceled'));
    await expect(second).rejects.toThrow('canceled');
    expect(interrupt).not.toHaveBeenCalled();
    expect(prompts()).toEqual(['a']);
    runs[0]?.finish();
    await first;
    await vi.waitFor(() => expect(prompts()).toEqual(['a', 'c']));
    runs[1]?.finish();
    await third;
  });

  it('ends a drawing task with the process that draws it, and goes on with the next', async () => {
    const { draw, prompts, interrupt } = setUp();
    const controller = new AbortController();
    const first = draw('a', controller);
    void draw('b');
    await vi.waitFor(() => expect(prompts()).toEqual(['a']));
    controller.abort(new Error('late'));
    await expect(first).rejects.toThrow('process ended');
    expect(interrupt).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(prompts()).toEqual(['a', 'b']));
  });

  it.each([
    ['stops after its stage a task whose picture has little left', 5_000, true],
    ['interrupts one whose picture has much left', 1_000, false],
  ])('%s', async (_, drawnForMs, isStopped) => {
    const { draw, runs, prompts, interrupt, clock, worker } = setUp();
    const first = draw('a');
    await vi.waitFor(() => expect(prompts()).toEqual(['a']));
    clock.advance(6_000);
    runs[0]?.picture();
    runs[0]?.finish();
    await first;
    const controller = new AbortController();
    const second = draw('b', controller);
    await vi.waitFor(() => expect(prompts()).toEqual(['a', 'b']));
    clock.advance(drawnForMs);
    controller.abort(new Error('canceled'));
    await (isStopped ? second : expect(second).rejects.toThrow('process ended'));
    expect(worker.stop).toHaveBeenCalledTimes(isStopped ? 1 : 0);
    expect(interrupt).toHaveBeenCalledTimes(isStopped ? 0 : 1);
  });

  it('lets a task leave while the process is still coming up, which the next one then finds', async () => {
    let comeUp: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => {
      comeUp = resolve;
    });
    const { draw, runs, prompts, interrupt } = setUp(ready);
    const controller = new AbortController();
    const first = draw('a', controller);
    const second = draw('b');
    await new Promise(setImmediate);
    controller.abort(new Error('canceled'));
    await expect(first).rejects.toThrow('canceled');
    comeUp();
    await vi.waitFor(() => expect(prompts()).toEqual(['b']));
    runs[0]?.finish();
    await second;
    expect(interrupt).not.toHaveBeenCalled();
  });

  it('does not interrupt for a task that has drawn', async () => {
    const { draw, runs, prompts, interrupt } = setUp();
    const controller = new AbortController();
    const first = draw('a', controller);
    await vi.waitFor(() => expect(prompts()).toEqual(['a']));
    runs[0]?.finish();
    await first;
    controller.abort(new Error('late'));
    expect(interrupt).not.toHaveBeenCalled();
  });
});
