import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createGpuClient } from '#functions/local/gpu-client.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';

const REQUEST = { job: 'one' } as InferenceRequest;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that nothing listens on any more, as that of a process that has just died. */
async function deadPort(): Promise<number> {
  const port = await listen(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

describe('a job that the GPU function can not take', () => {
  it('is refused, and has not failed, where there is no process', async () => {
    expect(await createGpuClient(() => undefined).invoke(REQUEST)).toEqual({ kind: 'refused' });
  });

  it('is refused by the port of a process that has died', async () => {
    const port = await deadPort();
    expect(await createGpuClient(() => port).invoke(REQUEST)).toEqual({ kind: 'refused' });
  });
});

it('a function that dies with the job has failed, and the job is worth another run', async () => {
  const port = await listen((incoming) => incoming.socket.destroy());
  expect(await createGpuClient(() => port).invoke(REQUEST)).toMatchObject({
    kind: 'failed',
    code: 'unavailable',
    retryable: true,
    images: [],
  });
});
