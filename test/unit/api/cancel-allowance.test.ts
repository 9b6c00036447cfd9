import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness({ behaviour: 'hold', config: { runningCancelsPerHour: '0' } });
});
afterEach(async () => {
  for (const request of [...api.gpu.held.values()]) await api.gpu.finish(request);
});
afterAll(() => api.close());

type Order = readonly [path: string, json: Readonly<Record<string, unknown>>];
type Cancel = readonly [method: 'POST' | 'PUT', pathOf: (job: string) => string];

/** Each way to cancel, after an order of its own dialect. */
const DOORS: readonly (readonly [string, Order, Cancel])[] = [
  [
    'Replicate',
    ['/v1/predictions', { input: { prompt: 'a mill' } }],
    ['POST', (job) => `/v1/predictions/${job}/cancel`],
  ],
  [
    'fal',
    [`/fal/queue/${TEST_MODEL.name}`, { prompt: 'a mill' }],
    ['PUT', (job) => `/fal/queue/${TEST_MODEL.name}/requests/${job}/cancel`],
  ],
  [
    'AUTOMATIC1111',
    ['/sdapi/v1/txt2img', { prompt: 'a mill' }],
    ['POST', () => '/sdapi/v1/interrupt'],
  ],
];

describe('an account that has had its cancellations of the hour', () => {
  it.each(DOORS)('gets the running picture and its bill: %s', async (_, order, cancel) => {
    const [path, json] = order;
    // AUTOMATIC1111's call answers when it is done.
    const ordered = api.send(path, { json });
    const job = await vi.waitFor(() => {
      const [request] = api.gpu.held.values();
      if (request === undefined) throw new Error('it does not run yet');
      return request.job;
    });
    const [method, pathOf] = cancel;
    await api.send(pathOf(job), { method });
    for (const request of [...api.gpu.held.values()]) await api.gpu.finish(request);
    await ordered;
    expect(await (await api.send(`/v1/predictions/${job}`)).json()).toMatchObject({
      status: 'succeeded',
      cost: 4000,
      warnings: [expect.stringContaining('too-many-cancels')],
    });
  });
});

it('has twenty of them where the operator has set nothing', async () => {
  const usual = await createApiHarness();
  expect(usual.api.settings.runningCancelsPerHour).toBe(20);
  await usual.close();
});
