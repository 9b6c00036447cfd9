import { afterAll, beforeAll, expect, test } from 'vitest';
import { workerOf } from '#test/helpers/gpu-process.ts';
import { gpuFunctionOf } from '#test/helpers/processes.ts';
import { type RunningServer, removeFolder, startServer } from '#test/helpers/server-process.ts';

/** The shortest that there is. */
const CANCEL_AFTER_SECONDS = 5;
const INPUT = { prompt: 'a dog in the snow', width: 64, height: 64 };

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ env: { ONESTEP_RUNNING_CANCELS_PER_HOUR: '1' } });
});
afterAll(async () => {
  await server.end('SIGKILL');
  removeFolder(server.data);
});

// biome-ignore lint/suspicious/noExplicitAny: a prediction as its reader sees it.
const read = async (id: string): Promise<any> =>
  (await server.send(`/v1/predictions/${id}`)).json();

const create = async (headers: Record<string, string>) => {
  const answer = await server.send('/v1/predictions', { json: { input: INPUT }, headers });
  return (await answer.json()) as { id: string; status: string };
};

/** Orders with a Cancel-After, and lets nothing be drawn; the prediction, and what lets it be. */
async function hang() {
  // There is an inference process, and it has loaded its model.
  expect(await create({ prefer: 'wait=50' })).toMatchObject({ status: 'succeeded' });
  const worker = workerOf(gpuFunctionOf(server.pid) ?? 0);
  process.kill(worker, 'SIGSTOP');
  const { id } = await create({
    'cancel-after': `${CANCEL_AFTER_SECONDS}s`,
    prefer: 'respond-async',
  });
  return { id, goOn: () => process.kill(worker, 'SIGCONT') };
}

test.runIf(process.platform === 'linux')(
  'Cancel-After stops a running prediction as often as its client may, and then lets it be finished',
  async () => {
    const first = await hang();
    await expect
      .poll(async () => (await read(first.id)).status, { timeout: 30_000 })
      .toBe('canceled');
    const { cost, created_at, completed_at } = await read(first.id);
    expect(cost).toBe(0);
    const livedMs = Date.parse(completed_at) - Date.parse(created_at);
    expect(livedMs).toBeGreaterThanOrEqual(CANCEL_AFTER_SECONDS * 1000);

    const second = await hang();
    await expect
      .poll(async () => (await read(second.id)).warnings, { timeout: 30_000 })
      .toEqual([expect.stringMatching(/^too-many-cancels: 1 /)]);
    second.goOn();
    await expect
      .poll(async () => (await read(second.id)).status, { timeout: 30_000 })
      .toBe('succeeded');
    const finished = await read(second.id);
    expect(finished.output).toHaveLength(1);
    expect(finished.cost).toBe(finished.price);
  },
);
