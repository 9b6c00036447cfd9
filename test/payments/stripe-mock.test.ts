import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStripeDesk } from '#shared/adapters/stripe/stripe-desk.ts';
import { STRIPE_EVENTS } from '#shared/adapters/stripe/stripe-events.ts';
import { systemClock } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { CardDesk } from '#shared/service/ports/card-desk.ts';
import { type StripeMock, startStripeMock } from './stripe-mock.ts';

const ACCOUNT = 'acc_1' as AccountId;

/**
 * Stripe's own mock refuses what its API does not know, and answers in its shapes. It keeps nothing and sends no
 * events, so it can't show that a payment is paid.
 */
describe('calls of Stripe, against stripe-mock', () => {
  let mock: StripeMock;
  let desk: CardDesk;
  let stripe: Stripe;

  beforeAll(async () => {
    mock = await startStripeMock();
    const { url: apiUrl, port } = mock;
    stripe = new Stripe('sk_test_123', { host: '127.0.0.1', port, protocol: 'http' });
    const settings = { secretKey: 'sk_test_123', webhookSecret: 'whsec_1', apiUrl };
    desk = await createStripeDesk(settings, systemClock);
  }, 300_000);
  afterAll(() => mock?.stop());

  test.each([true, false])('a page is made, and keeps the card: %s', async (keepsCard) => {
    const checkout = await desk.checkout({
      ...{ account: ACCOUNT, cents: 1000, keepsCard, idempotencyKey: `key-${keepsCard}` },
      ...{ paidUrl: 'https://example.com/paid', canceledUrl: 'https://example.com/' },
    });
    expect(checkout).toEqual({
      ...{ id: expect.any(String), url: expect.stringContaining('http') },
      expiresAt: expect.any(Number),
    });
  });

  test('a card that was kept is charged, and a payment is read', async () => {
    const card = { customer: 'cus_1', method: 'pm_1' };
    const result = await desk.charge({ account: ACCOUNT, card, cents: 500, id: 'charge-1' });
    // Of the mock's payment nobody has confirmed.
    expect(result).toMatchObject({ state: expect.stringMatching(/paid|refused|processing/) });
    expect(await desk.payment('pi_1')).toMatchObject({
      ...{ id: expect.any(String), currency: 'usd', cents: expect.any(Number) },
      isPaid: expect.any(Boolean),
    });
  });

  test('a page for no number of cents is refused', async () => {
    const bad = { account: ACCOUNT, cents: Number.NaN, keepsCard: false, idempotencyKey: 'bad' };
    const urls = { paidUrl: 'https://example.com/paid', canceledUrl: 'https://example.com/' };
    await expect(desk.checkout({ ...bad, ...urls })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('the events that are asked for are events of Stripe’s', async () => {
    const made = await stripe.webhookEndpoints.create({
      url: 'https://example.com/stripe/webhook',
      enabled_events: [...STRIPE_EVENTS],
    });
    expect(made.object).toBe('webhook_endpoint');
    const unknown = { url: made.url, enabled_events: ['refund.eaten' as 'refund.created'] };
    await expect(stripe.webhookEndpoints.create(unknown)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
    });
  });
});
