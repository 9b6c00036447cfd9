import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStripeDesk } from '#shared/adapters/stripe/stripe-desk.ts';
import { systemClock } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { allEntries, expectInvariant } from '#test/helpers/invariant.ts';
import { type StripeStandIn, signedEvent, startStripeStandIn } from '#test/stand-ins/stripe-api.ts';

const SECRET = 'whsec_test_secret';
const CENT = 10_000;
const MINUTE = 60_000;

describe('credit by card', () => {
  let stripe: StripeStandIn;
  let api: ApiHarness;
  beforeAll(async () => {
    stripe = await startStripeStandIn();
    const settings = { secretKey: 'sk_test_1', webhookSecret: SECRET, apiUrl: stripe.url };
    api = await createApiHarness({
      desk: await createStripeDesk(settings, systemClock),
      config: { publicUrl: 'https://images.example.com/', demoCredit: '0' },
    });
  });
  afterAll(async () => {
    await expectInvariant(api.stores.ledger);
    await api.close();
    await stripe.close();
  });

  const deliver = async (
    type: string,
    object: Readonly<Record<string, unknown>>,
    { secret = SECRET, at = Date.now() } = {},
  ) => {
    const { payload, signature } = signedEvent(type, object, { secret, at });
    const headers = { 'stripe-signature': signature, 'content-type': 'application/json' };
    const init = { key: null, method: 'POST', headers, body: payload };
    return api.send('/stripe/webhook', init);
  };
  const told = async (type: string, object: Readonly<Record<string, unknown>>) => {
    const answer = await deliver(type, object);
    return answer.status === 200 ? (await answer.json()).outcome : answer.status;
  };

  /** A customer of the service, with a key. */
  const newCustomer = async () => {
    const made = { key: api.keys.adminKey, json: { name: 'customer' } };
    const account = (await (await api.send('/v1/accounts', made)).json()).id as AccountId;
    const issue = { key: api.keys.adminKey, json: { account } };
    const { key } = await (await api.send('/v1/keys', issue)).json();
    /** Buys credit as far as the page that takes the card. */
    const buy = async (cents: number) => {
      const answer = await api.send('/v1/topups', { key, json: { amount: cents * CENT } });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { id: string }).id;
    };
    return {
      account,
      key: key as string,
      buy,
      funds: async () => {
        const { balance, owed } = await (await api.send('/v1/account', { key })).json();
        return [balance, owed];
      },
      order: (prompt: string) => api.send('/v1/predictions', { key, json: { input: { prompt } } }),
      kinds: async () => (await allEntries(api.stores.ledger, account)).map(({ kind }) => kind),
      /** Buys credit, and pays for it. */
      async topUp(cents: number) {
        const session = await buy(cents);
        const payment = stripe.pay(session);
        expect(await told('checkout.session.completed', stripe.session(session) ?? {})).toBe(
          'granted',
        );
        return payment;
      },
    };
  };
  const refund = (id: string, payment_intent: string, amount: number, change = {}) => ({
    ...{ id, object: 'refund', payment_intent, amount, currency: 'usd', status: 'succeeded' },
    ...change,
  });
  const dispute = (id: string, payment_intent: string, amount: number) => ({
    ...{ id, object: 'dispute', payment_intent, amount, currency: 'usd', metadata: {} },
  });

  test('is bought on a page of Stripe’s that knows account, amount and way back', async () => {
    const { account, key } = await newCustomer();
    const json = { amount: 1999 * CENT };
    const headers = { 'idempotency-key': 'once' };
    const answer = await api.send('/v1/topups', { key, json, headers });
    const topup = await answer.json();
    expect(topup).toMatchObject({
      amount: 19_990_000,
      url: expect.stringMatching(/^http/),
      expires_at: expect.stringMatching(/Z$/),
    });
    expect(stripe.session(topup.id)).toMatchObject({
      ...{ currency: 'usd', amount_total: 1999, client_reference_id: account },
      metadata: { onestep_account: account },
      success_url: 'https://images.example.com/credits?paid=1',
      cancel_url: 'https://images.example.com/credits',
    });
    const again = await (await api.send('/v1/topups', { key, json, headers })).json();
    expect(again.id).toBe(topup.id);
    for (const amount of [0, 999_999, 1_000_001, 10_000_010_000]) {
      expect((await api.send('/v1/topups', { key, json: { amount } })).status).toBe(422);
    }
    expect((await api.send('/v1/topups', { key: null, json })).status).toBe(401);
  });

  test('is granted once, however often and by whichever event it is told of', async () => {
    const { buy, funds, kinds, order } = await newCustomer();
    const refused = await order('a dog');
    expect(refused.status).toBe(402);
    expect((await refused.json()).topup_url).toBe('https://images.example.com/credits');
    const id = await buy(1999);
    const unpaid = stripe.session(id) ?? {};
    // A bank transfer: the session is over before the money is there.
    expect(await told('checkout.session.completed', { ...unpaid, payment_intent: 'pi_x' })).toBe(
      'nothing',
    );
    stripe.pay(id);
    const paid = stripe.session(id) ?? {};
    expect(
      await Promise.all([
        told('checkout.session.async_payment_succeeded', paid),
        told('checkout.session.async_payment_succeeded', paid),
        told('checkout.session.completed', paid),
      ]),
    ).toEqual(['granted', 'granted', 'granted']);
    expect(await funds()).toEqual([19_990_000, 0]);
    expect(await kinds()).toEqual(['grant']);
    expect((await order('a dog')).status).toBe(201);
  });

  test('is granted for nothing that is forged, old, changed, or not a payment of ours', async () => {
    const { account, buy, funds } = await newCustomer();
    const id = await buy(500);
    stripe.pay(id);
    const paid = stripe.session(id) ?? {};
    const forged = await deliver('checkout.session.completed', paid, { secret: 'whsec_forged' });
    expect(forged.status).toBe(400);
    expect((await forged.json()).detail).toContain('Stripe-Signature');
    const old = { at: Date.now() - 6 * MINUTE };
    expect((await deliver('checkout.session.completed', paid, old)).status).toBe(400);
    const { payload, signature } = signedEvent('checkout.session.completed', paid, {
      secret: SECRET,
    });
    const more = payload.replace('"amount_total":500', '"amount_total":50000');
    expect(more).not.toBe(payload);
    for (const body of [more, payload.slice(0, -1), '']) {
      const headers = { 'stripe-signature': signature };
      const init = { key: null, method: 'POST', headers, body };
      expect((await api.send('/stripe/webhook', init)).status).toBe(400);
    }
    expect((await api.send('/stripe/webhook', { key: null, method: 'POST' })).status).toBe(400);
    expect((await api.send('/stripe/webhook', { key: null })).status).toBe(401);
    const foreign = { ...paid, metadata: {}, client_reference_id: account };
    expect(await told('checkout.session.completed', foreign)).toBe('nothing');
    expect(await told('customer.created', paid)).toBe('nothing');
    expect(await funds()).toEqual([0, 0]);
  });

  test('in another currency is refused loudly', async () => {
    const { buy, funds, topUp } = await newCustomer();
    const id = await buy(500);
    stripe.pay(id);
    const before = api.errors.length;
    const paid = { ...stripe.session(id), currency: 'jpy' };
    expect(await told('checkout.session.completed', paid)).toBe(422);
    expect(api.errors.slice(before).map(String)).toEqual([expect.stringContaining('is in JPY')]);
    expect(await funds()).toEqual([0, 0]);
    const payment = await topUp(700);
    const returned = refund('re_jpy', payment, 700, { currency: 'jpy' });
    expect(await told('refund.created', returned)).toBe(422);
    expect(await funds()).toEqual([700 * CENT, 0]);
  });

  test('that another amount or account has claimed is a conflict, and loud', async () => {
    const { account, funds, topUp } = await newCustomer();
    const payment = await topUp(700);
    const before = api.errors.length;
    const more = { payment_status: 'paid', payment_intent: payment, currency: 'usd' };
    const metadata = { onestep_account: account };
    const twice = { ...more, amount_total: 701, metadata };
    expect(await told('checkout.session.completed', twice)).toBe(409);
    expect(api.errors.length).toBe(before + 1);
    expect(await funds()).toEqual([700 * CENT, 0]);
    const nobody = { ...more, payment_intent: 'pi_nobody', amount_total: 1 };
    const unknown = { ...nobody, metadata: { onestep_account: 'acc_nobody' } };
    expect(await told('checkout.session.completed', unknown)).toBe(404);
  });

  test('is taken back by refunds, each once; what is spent already is owed', async () => {
    const { topUp, funds, order, kinds } = await newCustomer();
    const payment = await topUp(1000);
    expect((await order('a dog')).status).toBe(201);
    expect(await told('refund.created', refund('re_1', payment, 300))).toBe('taken-back');
    expect(await told('refund.updated', refund('re_1', payment, 300))).toBe('taken-back');
    expect(await told('refund.created', refund('re_2', payment, 700))).toBe('taken-back');
    expect(await funds()).toEqual([0, 4000]);
    const refused = await order('a cat');
    expect(await refused.json()).toMatchObject({
      owed: 4000,
      topup_url: 'https://images.example.com/credits',
      error: { code: 'account_owes' },
    });
    expect((await kinds()).filter((kind) => kind === 'reversal')).toHaveLength(2);
    await topUp(100);
    expect(await funds()).toEqual([100 * CENT - 4000, 0]);
    expect((await order('a cat')).status).toBe(201);
  });

  test('is given back by a refund that fails, whichever event comes first', async () => {
    const { topUp, funds } = await newCustomer();
    const payment = await topUp(1000);
    const pending = refund('re_3', payment, 400, { status: 'pending' });
    const failed = { ...pending, status: 'failed' };
    expect(await told('refund.created', pending)).toBe('taken-back');
    expect(await funds()).toEqual([600 * CENT, 0]);
    expect(await told('refund.failed', failed)).toBe('given-back');
    expect(await told('refund.updated', failed)).toBe('given-back');
    expect(await funds()).toEqual([1000 * CENT, 0]);
    const other = { ...pending, id: 're_4' };
    expect(await told('refund.failed', { ...other, status: 'failed' })).toBe('given-back');
    expect(await told('refund.created', other)).toBe('taken-back');
    expect(await funds()).toEqual([1000 * CENT, 0]);
  });

  test('of a refund that comes before its payment’s event is granted and taken back', async () => {
    const { buy, funds, kinds } = await newCustomer();
    const id = await buy(800);
    const payment = stripe.pay(id);
    expect(await told('refund.created', refund('re_5', payment, 300))).toBe('taken-back');
    expect(await funds()).toEqual([500 * CENT, 0]);
    expect(await told('checkout.session.completed', stripe.session(id) ?? {})).toBe('granted');
    expect(await funds()).toEqual([500 * CENT, 0]);
    expect(await kinds()).toEqual(['reversal', 'grant']);
  });

  test('of payments that were made elsewhere is none of ours', async () => {
    const { buy } = await newCustomer();
    const payment = stripe.pay(await buy(800), { metadata: {} });
    expect(await told('refund.created', refund('re_6', payment, 300))).toBe('foreign');
    expect(await told('refund.created', refund('re_7', payment, 1, { payment_intent: null }))).toBe(
      'nothing',
    );
    // Of one that Stripe does not know, it has to be asked again.
    expect(await told('refund.created', refund('re_8', 'pi_gone', 300))).toBe(503);
  });

  test('is taken when a dispute’s funds are withdrawn, and given back when they are reinstated', async () => {
    const { topUp, funds } = await newCustomer();
    const payment = await topUp(1000);
    const disputed = dispute('dp_1', payment, 1000);
    expect(await told('charge.dispute.created', disputed)).toBe('nothing');
    expect(await told('charge.dispute.funds_withdrawn', disputed)).toBe('taken-back');
    expect(await told('charge.dispute.funds_withdrawn', disputed)).toBe('taken-back');
    expect(await funds()).toEqual([0, 0]);
    expect(await told('charge.dispute.funds_reinstated', disputed)).toBe('given-back');
    expect(await told('charge.dispute.funds_reinstated', disputed)).toBe('given-back');
    expect(await funds()).toEqual([1000 * CENT, 0]);
    const other = dispute('dp_2', payment, 1000);
    expect(await told('charge.dispute.funds_reinstated', other)).toBe('given-back');
    expect(await told('charge.dispute.funds_withdrawn', other)).toBe('taken-back');
    expect(await funds()).toEqual([1000 * CENT, 0]);
  });

  test('that Stripe does not sell now is a 503, and says no more', async () => {
    const { key } = await newCustomer();
    const settings = { secretKey: 'sk_secret', webhookSecret: SECRET };
    const desk = await createStripeDesk({ ...settings, apiUrl: 'http://127.0.0.1:9' }, systemClock);
    const closed = await createApiHarness({ desk });
    const answer = await closed.send('/v1/topups', { json: { amount: 1_000_000 } });
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('sk_secret');
    await closed.close();
    expect(key).toMatch(/^os_/);
  });

  test('is not sold unless Stripe is configured: no route, no description, no webhook', async () => {
    const off = await createApiHarness();
    const json = { amount: 1_000_000 };
    expect((await off.send('/v1/topups', { json })).status).toBe(404);
    expect((await off.send('/v1/topups/auto')).status).toBe(404);
    expect((await off.send('/stripe/webhook', { json })).status).toBe(404);
    expect((await off.send('/stripe/webhook', { key: null, json })).status).toBe(401);
    expect(await (await off.send('/v1/account')).json()).toMatchObject({ sells_by_card: false });
    const pathsOf = async (from: ApiHarness) =>
      Object.keys((await (await from.send('/openapi.json')).json()).paths);
    expect((await pathsOf(off)).filter((path) => /topup|stripe/.test(path))).toEqual([]);
    await off.close();
    expect((await pathsOf(api)).filter((path) => /topup|stripe/.test(path))).toEqual([
      '/v1/topups',
      '/v1/topups/auto',
    ]);
  });
});
