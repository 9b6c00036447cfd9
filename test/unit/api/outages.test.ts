import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AppError } from '#shared/core/errors.ts';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

const checkReady = vi.fn(async () => undefined);
let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness({ checkReady });
});
beforeEach(() => {
  api.errors.length = 0;
});
afterAll(() => api.close());

const prompt = 'a lighthouse';
const CALL = { name: 'generate', arguments: { prompt } };
const accept = 'application/json, text/event-stream';

/** Routes that answer failures in a way of their own. */
const ROUTES = [
  ['fal', `/fal/${TEST_MODEL.name}`, { prompt, sync_mode: true }],
  ["OpenAI's stream", '/v1/images/generations', { prompt, stream: true }],
  ['MCP', '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: CALL }],
] as const;

it.each(ROUTES)(
  '%s tells the client of an outage, and the log its cause',
  async (_, path, json) => {
    const cause = new Error('SlowDown from the bucket');
    const outage = new AppError('unavailable', 'The images are not available.', { cause });
    const get = vi.spyOn(api.blobs, 'get').mockRejectedValue(outage);
    const answer = await (await api.send(path, { json, headers: { accept } })).text();
    get.mockRestore();
    expect(answer).toContain('The images are not available.');
    expect(answer).not.toContain('SlowDown');
    expect(api.errors).toEqual([outage]);
  },
);

it('a service that is not ready says so without a line in the log for each question', async () => {
  checkReady.mockRejectedValueOnce(new Error('connection refused'));
  const answer = await api.send('/readyz', { key: null });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(await answer.text()).not.toContain('connection refused');
  expect(api.errors).toEqual([]);
  expect((await api.send('/readyz', { key: null })).status).toBe(200);
});
