import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';
import { newKey, visitServer } from './visit-server.ts';

const visited = visitServer();
let elsewhere: Server;
let page: Page;
let errors: readonly string[];

/** What a page of another origin gets to see of an answer. */
interface Seen {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

beforeAll(async () => {
  elsewhere = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end('<!doctype html><title>elsewhere</title>');
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  ({ page, errors } = await openPage(visited.browser, { stays: true }));
  const { port } = elsewhere.address() as AddressInfo;
  await page.goto(`http://localhost:${port}/`);
});
afterAll(() => elsewhere?.close());

/** Calls from within the page, with the key in the header, as an app does. */
function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  key = visited.server.key,
): Promise<Seen> {
  const url = path.startsWith('http') ? path : visited.server.url + path;
  const init = {
    method,
    headers: {
      ...(path.startsWith('http') ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return page.evaluate(
    async ([target, options]) => {
      const answer = await fetch(target, options);
      const text = await answer.text();
      return { status: answer.status, text, headers: Object.fromEntries(answer.headers) };
    },
    [url, init] as const,
  );
}

const input = { prompt: 'a red house', width: 64, height: 64 };

describe('a page of another origin', () => {
  it('orders, follows, fetches the picture, and deletes', async () => {
    const created = await call(
      'POST',
      '/v1/models/onestep/demo/predictions',
      { input },
      { 'idempotency-key': 'from-a-page', prefer: 'wait=1' },
    );
    expect(created.status).toBe(201);
    expect(created.headers['x-request-id']).toMatch(/^req_/);
    const { id, urls } = JSON.parse(created.text);
    const stream = await call('GET', urls.stream, undefined, { 'last-event-id': '0' });
    expect(stream.text).toContain('event: done');
    const done = JSON.parse((await call('GET', `/v1/predictions/${id}`)).text);
    expect(done.status).toBe('succeeded');
    const picture = await call('GET', done.output[0]);
    expect(picture.status).toBe(200);
    expect((await call('DELETE', `/v1/predictions/${id}`)).status).toBe(204);
  });

  it('speaks the other dialects', async () => {
    const openai = await call('POST', '/v1/images/generations', { prompt: 'a', size: '64x64' });
    expect(openai.status).toBe(200);
    const order = { prompt: 'a', image_size: { width: 64, height: 64 } };
    const fal = await call('POST', '/fal/onestep/demo', order, { 'x-fal-target-url': 'x' });
    expect(fal.status).toBe(200);
    const mcp = await call(
      'POST',
      '/mcp',
      { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    );
    expect(JSON.parse(mcp.text).result.tools).toHaveLength(3);
  });

  it('reads every refusal', async () => {
    const poor = await newKey(visited.server, { credit: 0 });
    const slow = await newKey(visited.server, { credit: 1_000_000, ratePerMinute: 1 });
    const order = (key: string, body: unknown = { input }) =>
      call('POST', '/v1/models/onestep/demo/predictions', body, {}, key);
    await order(slow.key);
    const refusals: readonly (readonly [number, Promise<Seen>])[] = [
      [401, order('os_live_nonsense')],
      [402, order(poor.key)],
      [403, call('GET', '/v1/keys')],
      [404, call('GET', '/v1/predictions/nothing')],
      [422, order(visited.server.key, { input: { prompt: 'x', width: 3 } })],
      [429, order(slow.key)],
      [413, call('POST', '/v1/predictions', { input: { prompt: 'x'.repeat(70_000) } })],
      [401, call('POST', '/mcp', {}, {}, 'os_live_nonsense')],
      [400, call('POST', '/mcp', [])],
    ];
    for (const [status, asked] of refusals) {
      const seen = await asked;
      expect(seen.status).toBe(status);
      expect(JSON.parse(seen.text).error.message).toEqual(expect.any(String));
    }
    expect((await refusals[5]?.[1])?.headers['retry-after']).toMatch(/^\d+$/);
  });

  it('is told nothing by its console', () => {
    expect(errors).toEqual([]);
  });
});
