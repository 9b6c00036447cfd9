import { afterAll, beforeAll, expect, test } from 'vitest';
import { gpuFunctionOf } from '#test/helpers/processes.ts';
import { type RunningServer, removeFolder, startServer } from '#test/helpers/server-process.ts';

const ORDERS = 12;
const CRASHES = 2;

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.end('SIGTERM');
  removeFolder(server.data);
});

const isLinux = process.platform === 'linux';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.runIf(isLinux)('orders live through crashes of the GPU function', async () => {
  const ids: string[] = [];
  for (let seed = 0; seed < ORDERS; seed += 1) {
    const input = { prompt: 'a mill', seed, width: 64, height: 64 };
    const answer = await server.send('/v1/predictions', { json: { input } });
    ids.push(((await answer.json()) as { id: string }).id);
  }
  for (let crash = 0; crash < CRASHES; crash += 1) {
    let pid = gpuFunctionOf(server.pid);
    for (; pid === undefined; pid = gpuFunctionOf(server.pid)) await sleep(20);
    await sleep(150);
    process.kill(pid, 'SIGKILL');
    await sleep(500);
  }
  for (const id of ids) {
    await expect
      .poll(
        async () => {
          const answer = await server.send(`/v1/predictions/${id}`);
          return ((await answer.json()) as { status: string }).status;
        },
        { timeout: 60_000, interval: 100 },
      )
      .toBe('succeeded');
  }
});
