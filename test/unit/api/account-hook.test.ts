import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

const URL = 'https://shop.example.com/account';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

const asOperator = () => ({ key: api.keys.adminKey });

it('is set, read and removed', async () => {
  const none = await api.send('/v1/webhooks/account', asOperator());
  expect(none.status).toBe(404);
  expect((await none.json()).error.message).toContain('PUT /v1/webhooks/account');
  const set = { ...asOperator(), method: 'PUT', json: { url: URL, low_balance: 5 } };
  for (let times = 0; times < 2; times++) {
    const answer = await api.send('/v1/webhooks/account', set);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ url: URL, low_balance: 5 }),
    ]);
  }
  const read = await (await api.send('/v1/webhooks/account', asOperator())).json();
  expect(read.events).toContain('ledger.mismatch');
  const remove = () => api.send('/v1/webhooks/account', { ...asOperator(), method: 'DELETE' });
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(404);
});

it.each([
  [{ url: 'http://shop.example.com/' }, 'https'],
  [{ url: 'https://127.0.0.1/' }, 'url'],
  [{ url: URL, events: [] }, 'events'],
  [{ url: URL, events: ['balance.high'] }, 'events'],
  [{ url: URL, low_balance: -1 }, 'low_balance'],
  [{ url: URL, threshold: 1 }, 'threshold'],
])('refuses %j', async (json, named) => {
  const answer = await api.send('/v1/webhooks/account', { ...asOperator(), method: 'PUT', json });
  expect(answer.status).toBe(422);
  expect(JSON.stringify(await answer.json())).toContain(named);
});

it('tells other accounts nothing of the ledger', async () => {
  const made = await api.send('/v1/accounts', { ...asOperator(), json: { name: 'shop' } });
  const { id } = await made.json();
  const issue = { account: id, label: 'boss', scopes: ['admin', 'read', 'predict'] };
  const { key } = await (await api.send('/v1/keys', { ...asOperator(), json: issue })).json();
  const put = (json: unknown) => api.send('/v1/webhooks/account', { key, method: 'PUT', json });
  expect((await put({ url: URL, events: ['ledger.mismatch'] })).status).toBe(403);
  const all = await put({ url: URL });
  expect((await all.json()).events).not.toContain('ledger.mismatch');
});

it('a test event is a delivery of its own, to any receiver', async () => {
  const sent = await api.send('/v1/webhooks/test', { json: { url: 'https://example.com/any' } });
  expect(sent.status).toBe(201);
  const delivery = await sent.json();
  expect(delivery).toMatchObject({ event: 'test', prediction: null, status: 'pending' });
  const { results } = await (await api.send('/v1/webhooks/deliveries')).json();
  expect(results).toEqual([delivery]);
  const refused = await api.send('/v1/webhooks/test', { json: { url: 'https://10.0.0.1/' } });
  expect(refused.status).toBe(422);
});
