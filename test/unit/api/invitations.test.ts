import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { DAY, NOW } from '#test/helpers/samples.ts';

const SECRET = 'aB3dE6gH9jK2mN5pQ8rS1tU4';

let clock: ManualClock;
let api: ApiHarness;
beforeEach(async () => {
  clock = createManualClock(NOW);
  api = await createApiHarness({ clock });
});
afterEach(() => api.close());

const invite = async (json: object = { name: 'shop', credit: 5_000_000 }) => {
  const answer = await api.send('/v1/invitations', { json, key: api.keys.adminKey });
  expect(answer.status).toBe(201);
  return answer.json();
};
const tokenOf = ({ url }: { url: string }) => new URL(url).hash.slice(1);
const redeem = (token: string, key_secret = SECRET) =>
  api.send('/v1/join', { json: { token, key_secret }, key: null });
const check = (token: string) => api.send('/v1/join/check', { json: { token }, key: null });

describe('an invitation', () => {
  it('has its secret behind the # of its link, and nowhere else', async () => {
    const made = await invite();
    expect(made).toMatchObject({
      name: 'shop',
      credit: 5_000_000,
      state: 'open',
      expires_at: new Date(NOW + 7 * DAY).toISOString(),
    });
    expect(made.url).toMatch(/^http:\/\/api\.test\/join#inv_[0-9a-z]{26}\.[0-9A-Za-z]{24}$/);
    const list = await api.send('/v1/invitations', { key: api.keys.adminKey });
    const text = await list.text();
    expect(text).toContain(made.id);
    expect(text).not.toContain(tokenOf(made).split('.')[1]);
  });

  it('shows what it offers, and makes an account whose key orders at once', async () => {
    const made = await invite();
    const offer = await check(tokenOf(made));
    expect(await offer.json()).toEqual({
      name: 'shop',
      credit: 5_000_000,
      credit_expires_at: null,
      expires_at: made.expires_at,
    });
    const answer = await redeem(tokenOf(made));
    expect(answer.status).toBe(201);
    const { account, key } = await answer.json();
    expect(account).toMatchObject({ name: 'shop', balance: 5_000_000, held: 0 });
    expect(key).toMatchObject({ account: account.id, scopes: ['predict', 'read', 'admin'] });
    expect(key.key).toContain(SECRET);
    const order = await api.send('/v1/predictions', {
      key: key.key,
      json: { version: 'onestep/test', input: { prompt: 'a tree' } },
      headers: { prefer: 'wait' },
    });
    expect(await order.json()).toMatchObject({ status: 'succeeded' });
    const others = await api.send('/v1/accounts', { key: key.key });
    expect(others.status).toBe(403);
    const list = await api.send('/v1/invitations', { key: api.keys.adminKey });
    expect(await list.json()).toMatchObject({
      results: [{ id: made.id, state: 'used', account: account.id }],
    });
  });

  it('answers the same request again as before', async () => {
    const token = tokenOf(await invite());
    const first = await (await redeem(token)).json();
    const again = await redeem(token);
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(first);
  });

  it.each([
    ['used', /has been used/],
    ['revoked', /withdrawn/],
    ['expired', /expired/],
  ])('that is %s says so', async (state, message) => {
    const made = await invite();
    const token = tokenOf(made);
    if (state === 'used') await redeem(token, SECRET.toLowerCase());
    if (state === 'revoked') {
      const path = `/v1/invitations/${made.id}/revoke`;
      const revoked = await api.send(path, { method: 'POST', key: api.keys.adminKey });
      expect(await revoked.json()).toMatchObject({ state: 'revoked' });
    }
    if (state === 'expired') clock.advance(7 * DAY);
    for (const answer of [await check(token), await redeem(token)]) {
      expect(answer.status).toBe(410);
      expect(await answer.json()).toMatchObject({
        detail: expect.stringMatching(message),
        error: { code: 'gone' },
      });
    }
  });

  it('of another secret does not exist', async () => {
    const token = tokenOf(await invite());
    const wrong = token.slice(0, -1) + (token.endsWith('x') ? 'y' : 'x');
    for (const answer of [await check(wrong), await redeem(wrong)]) {
      expect(answer.status).toBe(404);
    }
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'a', credit: -1 }, 'credit'],
    [{ name: 'a', expires_at: new Date(NOW).toISOString() }, 'expires_at'],
    [
      { name: 'a', credit: 1, credit_expires_at: new Date(NOW + DAY).toISOString() },
      'credit_expires_at',
    ],
  ])('of %j is refused', async (json, param) => {
    const answer = await api.send('/v1/invitations', { json, key: api.keys.adminKey });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ error: { param } });
  });

  it("is the operator's to make, see and revoke", async () => {
    const { key } = await (await redeem(tokenOf(await invite()))).json();
    for (const [path, init] of [
      ['/v1/invitations', { json: { name: 'mine' } }],
      ['/v1/invitations', {}],
      ['/v1/invitations/inv_1/revoke', { method: 'POST' }],
    ] as const) {
      expect((await api.send(path, { ...init, key: key.key })).status).toBe(403);
      expect((await api.send(path, { ...init, key: null })).status).toBe(401);
    }
    const unknown = '/v1/invitations/inv_1/revoke';
    const answer = await api.send(unknown, { method: 'POST', key: api.keys.adminKey });
    expect(answer.status).toBe(404);
  });
});
