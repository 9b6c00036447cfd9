import { commonHeaders } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { apiRoute, jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { toIso } from '#shared/core/clock.ts';
import { createUlid } from '#shared/core/ids.ts';
import type { CardPayment } from '#shared/service/ports/card-desk.ts';
import { CARD_EVENTS_PATH } from '#shared/core/payable-paths.ts';
import { applyCardEvent, MICRO_USD_PER_CENT } from '#shared/service/domain/topups/card-events.ts';
import { TopupRequestSchema, TopupSchema } from './topup-schema.ts';

/** `POST /v1/topups`, and Stripe's events. Not there unless Stripe is configured. */
export const registerTopups: RegisterRoutes = (app, deps) => {
  const { cards } = deps;
  if (cards === undefined) return;

  /** A session does not say which card: its payment does. */
  const keepCard = async ({ id }: CardPayment): Promise<void> => {
    const { account, saved } = await cards.desk.payment(id);
    if (account !== undefined && saved !== undefined) await cards.auto.keepCard(account, saved);
  };

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/topups',
    operationId: 'createTopup',
    scopes: ['read', 'predict', 'admin'],
    summary: 'Buy credit by card: makes the page to pay on. The credit is there once it is paid',
    body: TopupRequestSchema,
    status: 201,
    returns: 'The page to pay on',
    answer: TopupSchema,
    failures: [415, 422, 503],
    async handle(c, { body }) {
      const { account } = callerOf(c);
      const page = `${c.get('facts').origin}/credits`;
      const key = c.req.header('idempotency-key') ?? createUlid(deps.clock, deps.randomBytes);
      const { id, url, expiresAt } = await cards.desk.checkout({
        account: account.id,
        cents: body.amount / MICRO_USD_PER_CENT,
        paidUrl: `${page}?paid=1`,
        canceledUrl: page,
        keepsCard: body.save_card,
        idempotencyKey: `${account.id}:${key}`,
      });
      return { id, amount: body.amount, url, expires_at: toIso(expiresAt) };
    },
  });

  apiRoute(app, deps, {
    method: 'post',
    path: CARD_EVENTS_PATH,
    operationId: 'receiveStripeEvent',
    hide: true,
    summary: 'Stripe’s events, signed',
    responses: { 200: { description: 'Taken' } },
    async handle(c) {
      const body = await c.req.text();
      const event = await cards.desk.readEvent(body, c.req.header('stripe-signature'));
      try {
        const outcome = await applyCardEvent({ ...deps, desk: cards.desk }, event);
        if (event.kind === 'paid' && event.keepsCard) await keepCard(event.payment);
        return Response.json({ outcome }, { headers: commonHeaders(c) });
      } catch (error) {
        // Stripe shows it and sends the event again, for days; the operator reads it here.
        deps.onError(error, c.get('facts').requestId);
        throw error;
      }
    },
  });
};
