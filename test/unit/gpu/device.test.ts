import { describe, expect, it, vi } from 'vitest';
import { createDevice, type DrawEvents } from '#functions/gpu/device.ts';
import type { WorkerTask } from '#functions/gpu/worker-messages.ts';
import type { WorkResult } from '#functions/gpu/worker-process.ts';

const RESULT = { warnings: [] } as unknown as WorkResult;
const task = (prompt: string) => ({ prompt }) as WorkerTask;

/** A worker whose run ends when the test says so; an interruption ends it with a failure. */
function setUp() {
  const runs: { prompt: string; finish: () => void }[] = [];
  let fail: (error: Error) => void = () => undefined;
  const interrupt = vi.fn(() => fail(new Error('The inference process ended.')));
  const worker = {
    run: ({ prompt }: WorkerTask) =>
      new Promise<WorkResult>((resolve, reject) => {
        fail = reject;
        runs.push({ prompt, finish: () => resolve(RESULT) });
      }),
  };
  const device = createDevice(worker, interrupt);
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
  return { draw, runs, prompts, interrupt, waited };
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
