import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromRoot } from '#test/helpers/root.ts';
import {
  type RunningServer,
  removeFolder,
  spawnServer,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

/** In this process the packages of x402 are not there: whatever loaded them would fail. */
const WITHOUT = { NODE_OPTIONS: `--import=${fromRoot('test/helpers/without-x402.mjs')}` };

describe('payments, unless they are configured', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ env: WITHOUT });
  });
  afterAll(async () => {
    await server.end('SIGTERM');
    removeFolder(server.data);
  });
  const create = (headers: Record<string, string> = {}) =>
    fetch(`${server.url}/v1/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ input: { prompt: 'a red circle' } }),
    });

  it('are not loaded: the server works without their packages', async () => {
    const json = { input: { prompt: 'a red circle', seed: 7 } };
    const made = await server.send('/v1/predictions', { json, headers: { prefer: 'wait=50' } });
    expect(await made.json()).toMatchObject({ status: 'succeeded' });
    expect(server.stderr()).not.toMatch(/x402|viem/);
  });

  it('are not answered: without credentials a create is 401, whatever header it has', async () => {
    const payment = btoa(JSON.stringify({ x402Version: 2 }));
    for (const headers of [{}, { 'payment-signature': payment }, { 'x-payment': payment }]) {
      const answer = await create(headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('payment-required')).toBeNull();
      expect(await answer.json()).not.toHaveProperty('accepts');
    }
    const link = await fetch(`${server.url}/paid/${'0'.repeat(26)}/0.token`);
    expect(link.status).toBe(401);
    const schema = await (await fetch(`${server.url}/openapi.json`)).text();
    expect(schema).not.toContain('/paid/');
  });
});

describe('payments that are configured', () => {
  it('name the packages to install, where those are missing', async () => {
    const data = temporaryFolder();
    const server = spawnServer({
      data,
      env: {
        ...WITHOUT,
        X402_PAY_TO: `0x${'a'.repeat(40)}`,
        X402_NETWORK: 'eip155:8453',
        X402_FACILITATOR_URL: 'http://127.0.0.1:9',
        X402_RPC_URL: 'http://127.0.0.1:9',
      },
    });
    expect(await server.exited).not.toBe(0);
    expect(server.stderr()).toMatch(/Run: npm install @x402\/core@\S+ @x402\/evm@\S+ viem@\S+/);
    removeFolder(data);
  });
});
