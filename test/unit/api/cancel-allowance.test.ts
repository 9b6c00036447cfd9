import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { microUsd } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type { PaymentDesk } from '#shared/service/ports/payment-gateway.ts';
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

/** A wallet that has signed for everything that it will ever order. */
const PAYMENT: JobPayment = {
  state: 'verified',
  network: 'eip155:8453',
  asset: `0x${'c'.repeat(40)}`,
  payTo: `0x${'a'.repeat(40)}`,
  payer: `0x${'b'.repeat(40)}`,
  nonce: `0x${'1'.repeat(64)}`,
  amount: microUsd(4000),
  validBefore: Math.floor(Date.now() / 1000) + 3600,
  attempts: 0,
};
const PAYMENT_DESK: PaymentDesk = {
  demand: async () => ({ header: '', body: {} }),
  read: async () => ({ ok: true, payment: PAYMENT, reference: 'x402:1' }),
  verify: async () => undefined,
  settle: async () => ({ kind: 'settled', transaction: '0x1' }),
  find: async () => ({ kind: 'unused', at: 0 }),
  height: async () => 1,
};

it('holds for those who pay with x402 too: the picture is made, and they pay for it', async () => {
  const shop = await createApiHarness({
    behaviour: 'hold',
    config: { runningCancelsPerHour: '0' },
    paymentDesk: PAYMENT_DESK,
  });
  onTestFinished(() => shop.close());
  const ordered = await shop.send('/v1/predictions', {
    key: null,
    json: { input: { prompt: 'a mill' } },
    headers: { 'payment-signature': 'signed', prefer: 'respond-async' },
  });
  const { urls } = await ordered.json();
  await vi.waitFor(() => expect(shop.gpu.held.size).toBe(1));
  await shop.send(urls.cancel, { method: 'POST', key: null });
  expect(shop.gpu.held.size).toBe(1);
  for (const request of [...shop.gpu.held.values()]) await shop.gpu.finish(request);
  await vi.waitFor(async () => {
    const read = await shop.send(urls.get, { key: null });
    expect(await read.json()).toMatchObject({
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
