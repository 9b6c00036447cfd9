import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from '#functions/local/http-server.ts';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createStripeTopup } from '../../docs/examples/stripe-topup.ts';

const SECRET = 'whsec_test_secret';

let harness: ApiHarness;
let server: HttpServer;

beforeAll(async () => {
  harness = await createApiHarness({ config: { topupUrl: 'https://pay.example.com/' } });
  server = await startHttpServer({
    fetch: (request, platform) => harness.edge.fetch(request, platform),
    host: '127.0.0.1',
    port: 0,
  });
});
afterAll(async () => {
  await server.close(100);
  await harness.close();
});

/** Sends an event as Stripe would, signed with the secret. */
async function deliver(
  type: string,
  session: Record<string, unknown>,
  secret = SECRET,
): Promise<number> {
  const app = createStripeTopup({
    stripeWebhookSecret: SECRET,
    apiUrl: server.url,
    adminKey: harness.keys.adminKey,
  });
  const payload = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type,
    data: {
      object: { object: 'checkout.session', payment_status: 'paid', currency: 'usd', ...session },
    },
  });
  const signature = new Stripe('unused').webhooks.generateTestHeaderString({ payload, secret });
  const answer = await app.request('/stripe', {
    method: 'POST',
    headers: { 'stripe-signature': signature },
    body: payload,
  });
  return answer.status;
}

async function newAccount() {
  const answer = await harness.send('/v1/accounts', {
    key: harness.keys.adminKey,
    json: { name: 'customer' },
  });
  const { id } = await answer.json();
  const balance = async () => (await harness.stores.ledger.getAccount(id))?.balance;
  return { id: id as string, balance };
}

describe('the Stripe example', () => {
  it('credits a payment once, however often and in whatever event it is told of', async () => {
    const { id, balance } = await newAccount();
    const session = { id: 'cs_1', client_reference_id: id, amount_total: 1999 };
    const statuses = [
      await deliver('checkout.session.completed', session),
      await deliver('checkout.session.completed', session),
      await deliver('checkout.session.async_payment_succeeded', session),
    ];
    expect(statuses).toEqual([200, 200, 200]);
    expect(await balance()).toBe(19_990_000);
    await deliver('checkout.session.completed', { ...session, id: 'cs_2', amount_total: 1 });
    expect(await balance()).toBe(20_000_000);
  });

  it('credits nothing for a forged signature, an unpaid session or another event', async () => {
    const { id, balance } = await newAccount();
    const session = { id: 'cs_3', client_reference_id: id, amount_total: 500 };
    expect(await deliver('checkout.session.completed', session, 'whsec_forged')).toBe(400);
    expect(
      await deliver('checkout.session.completed', { ...session, payment_status: 'unpaid' }),
    ).toBe(200);
    expect(await deliver('customer.created', session)).toBe(200);
    expect(await balance()).toBe(0);
  });

  it('makes Stripe send again what could not be credited', async () => {
    const session = { id: 'cs_4', client_reference_id: 'acc_nobody', amount_total: 500 };
    expect(await deliver('checkout.session.completed', session)).toBe(502);
  });

  it('is where an account without credit is sent', async () => {
    const { id } = await newAccount();
    const { key } = await (
      await harness.send('/v1/keys', { key: harness.keys.adminKey, json: { account: id } })
    ).json();
    const answer = await harness.send('/v1/predictions', { key, json: { input: { prompt: 'a' } } });
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({
      topup_url: 'https://pay.example.com/',
      required: 4000,
      available: 0,
    });
  });
});
