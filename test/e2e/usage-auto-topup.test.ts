import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createStripeDesk } from '#shared/adapters/stripe/stripe-desk.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { createAutoTopups } from '#shared/service/domain/topups/auto-topups.ts';
import { createAccountEvents } from '#shared/service/domain/webhooks/account-events.ts';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { type StripeStandIn, signedEvent, startStripeStandIn } from '#test/stand-ins/stripe-api.ts';

const SECRET = 'whsec_test_secret';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const WISH = { threshold: 1_000_000, amount: 5_000_000, monthly_limit: 10_000_000 };

describe('credit that is bought by itself', () => {
  let stripe: StripeStandIn;
  let api: ApiHarness;
  let clock: ManualClock;
  let account: AccountId;
  let auto: ReturnType<typeof createAutoTopups>;

  beforeEach(async () => {
    stripe = await startStripeStandIn();
    clock = createManualClock(Date.UTC(2026, 10, 10));
    const settings = { secretKey: 'sk_test_1', webhookSecret: SECRET, apiUrl: stripe.url };
    const desk = await createStripeDesk(settings, clock);
    api = await createApiHarness({ desk, clock, config: { demoCredit: '0' } });
    account = api.keys.account;
    auto = createAutoTopups({ ...api.stores, desk, clock, randomBytes: createCountedBytes('x') });
  });
  afterEach(async () => {
    await expectInvariant(api.stores.ledger);
    await api.close();
    await stripe.close();
  });

  const admin = (path: string, init: Parameters<ApiHarness['send']>[1] = {}) =>
    api.send(path, { key: api.keys.adminKey, ...init });
  const set = async (change = {}) =>
    (await admin('/v1/topups/auto', { method: 'PUT', json: { ...WISH, ...change } })).status;
  const state = async () => (await admin('/v1/topups/auto')).json();
  const balance = async () => (await api.stores.ledger.getAccount(account))?.balance;
  const told = async (type: string, object: Readonly<Record<string, unknown>>) => {
    const { payload, signature } = signedEvent(type, object, { secret: SECRET, at: clock.now() });
    const headers = { 'stripe-signature': signature };
    const answer = await api.send('/stripe/webhook', {
      ...{ key: null, method: 'POST', headers, body: payload },
    });
    return (await answer.json()).outcome;
  };
  /** A payment that leaves its card. */
  const saveCard = async (amount = 1_000_000) => {
    const json = { amount, save_card: true };
    const { id } = await (await admin('/v1/topups', { json })).json();
    stripe.pay(id);
    expect(await told('checkout.session.completed', stripe.session(id) ?? {})).toBe('granted');
  };
  const charged = () =>
    [...stripe.intents.values()].filter(({ off_session }) => off_session !== undefined);
  const spend = (amount: number) =>
    api.stores.ledger.reverse({
      ...{ entryId: `e${amount}${clock.now()}`, owedEntryId: `o${amount}${clock.now()}` },
      ...{ account, amount: microUsd(amount), reference: `spent-${clock.now()}`, at: clock.now() },
      audit: {
        ...{ id: `a${clock.now()}${amount}`, at: clock.now(), account, actor: 'cli' as const },
        ...{ action: 'credit-reversed', subject: 'test', details: {} },
      },
    });

  test('takes a card that a payment left, and buys when an order finds little left', async () => {
    expect((await admin('/v1/topups/auto')).status).toBe(404);
    expect(await set()).toBe(200);
    expect(await state()).toMatchObject({ ...WISH, has_card: false, bought: 0, ended_at: null });
    expect(await auto.consider(account)).toBe('nothing');
    await saveCard();
    expect(await state()).toMatchObject({ has_card: true });
    expect(await auto.consider(account)).toBe('nothing');
    const order = await admin('/v1/predictions', { json: { input: { prompt: 'a dog' } } });
    expect(order.status).toBe(201);
    await expect.poll(balance).toBeGreaterThan(5_900_000);
    const [intent] = charged();
    expect(charged()).toHaveLength(1);
    expect(intent).toMatchObject({ amount: 500, currency: 'usd', off_session: 'true' });
    expect(await state()).toMatchObject({ month: '2026-11', bought: 5_000_000 });
    // Stripe tells of it as well.
    expect(await told('payment_intent.succeeded', intent ?? {})).toBe('granted');
    const grants = (await allEntries(api.stores.ledger, account)).filter(
      ({ kind }) => kind === 'grant',
    );
    expect(grants.map(({ amount }) => amount)).toEqual([5_000_000, 1_000_000]);
    expect((await admin('/v1/topups/auto', { method: 'DELETE' })).status).toBe(204);
    expect((await admin('/v1/topups/auto', { method: 'DELETE' })).status).toBe(404);
  });

  test('buys no more in a month than its limit; an order that is refused makes it look too', async () => {
    await set({ threshold: 2_000_000 });
    await saveCard();
    for (let n = 0; n < 2; n++) {
      expect(await auto.consider(account)).toBe('bought');
      clock.advance(MINUTE);
      await spend((await balance()) ?? 0);
    }
    expect(await auto.consider(account)).toBe('nothing');
    const order = () => admin('/v1/predictions', { json: { input: { prompt: 'a dog' } } });
    expect((await order()).status).toBe(402);
    clock.advance(25 * DAY);
    expect((await order()).status).toBe(402);
    await expect.poll(balance).toBe(5_000_000);
    expect(await state()).toMatchObject({ month: '2026-12', bought: 5_000_000 });
    expect(charged()).toHaveLength(3);
  });

  test('buys once, however many look at one time', async () => {
    await set({ threshold: 2_000_000 });
    await saveCard();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => auto.consider(account)));
    expect(outcomes.filter((outcome) => outcome === 'bought')).toHaveLength(1);
    expect(charged()).toHaveLength(1);
    expect(await balance()).toBe(6_000_000);
  });

  test('is gone on with after its answer was lost, and charges once', async () => {
    await set({ threshold: 2_000_000 });
    await saveCard();
    stripe.charges.push('lost');
    const desk = await createStripeDesk(
      { secretKey: 'sk', webhookSecret: SECRET, apiUrl: 'http://127.0.0.1:9' },
      clock,
    );
    const cut = createAutoTopups({
      ...{ ...api.stores, desk, clock, randomBytes: createCountedBytes('y') },
    });
    await expect(cut.consider(account)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await auto.consider(account)).toBe('under-way');
    // What is set meanwhile is for the next one.
    expect(await set({ threshold: 2_000_000, amount: 7_000_000 })).toBe(200);
    clock.advance(MINUTE);
    // The SDK asks again by itself, under the same key.
    expect(await auto.consider(account)).toBe('bought');
    expect(charged()).toHaveLength(1);
    expect(await balance()).toBe(6_000_000);
    expect(await state()).toMatchObject({ bought: 5_000_000 });
  });

  test('waits for a charge that takes its time, whoever tells of its end', async () => {
    await set({ threshold: 2_000_000 });
    await saveCard();
    stripe.charges.push('processing');
    expect(await auto.consider(account)).toBe('under-way');
    clock.advance(2 * MINUTE);
    expect(await auto.consider(account)).toBe('under-way');
    const [intent] = charged();
    Object.assign(intent ?? {}, { status: 'succeeded', amount_received: 500 });
    expect(await told('payment_intent.succeeded', intent ?? {})).toBe('granted');
    expect(await balance()).toBe(6_000_000);
    clock.advance(2 * MINUTE);
    expect(await auto.consider(account)).toBe('bought');
    expect(await balance()).toBe(6_000_000);
    expect(charged()).toHaveLength(1);
  });

  test.each(['authentication_required', 'card_declined'] as const)(
    'ends when the bank says %s; the account is told, and starts it again',
    async (reason) => {
      await set({ threshold: 2_000_000 });
      await saveCard();
      const hook = {
        ...{ account, url: 'https://example.com/', events: ['topup.ended'], told: [] },
        ...{ lowBalance: 0, version: 1 },
      };
      await api.stores.hooks.put(hook as unknown as Parameters<typeof api.stores.hooks.put>[0], []);
      const tell = createAccountEvents({
        ...{ ...api.stores, clock, randomBytes: createCountedBytes('z') },
        leastPrice: microUsd(1),
        onError: (error) => expect.unreachable(String(error)),
      });
      expect(await tell()).toEqual([]);
      stripe.charges.push(reason);
      expect(await auto.consider(account)).toBe('ended');
      expect(await auto.consider(account)).toBe('nothing');
      expect(await state()).toMatchObject({ ended_reason: reason, bought: 0 });
      const [event] = await tell();
      expect(JSON.parse(event?.body ?? '')).toMatchObject({
        ...{ type: 'topup.ended', data: { account, reason } },
      });
      expect(await tell()).toEqual([]);
      expect(await set({ threshold: 2_000_000 })).toBe(200);
      expect(await state()).toMatchObject({ ended_at: null, has_card: true });
      expect(await auto.consider(account)).toBe('bought');
    },
  );

  test('refuses what could not be bought, and those who may not spend', async () => {
    expect(await set({ monthly_limit: 4_000_000 })).toBe(422);
    expect(await set({ amount: 1_000_001 })).toBe(422);
    const json = WISH;
    const answer = await api.send('/v1/topups/auto', { method: 'PUT', json });
    expect(answer.status).toBe(403);
  });
});
