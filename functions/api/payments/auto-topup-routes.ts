import { commonHeaders } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { apiRoute, jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import type { AutoTopup } from '#shared/core/auto-topup.ts';
import { isoOrNull } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { microUsd } from '#shared/core/money.ts';
import { AutoTopupRequestSchema, AutoTopupSchema } from './topup-schema.ts';

const PATH = '/v1/topups/auto';

/** `/v1/topups/auto`: credit that is bought by itself when little is left. */
export const registerAutoTopups: RegisterRoutes = (app, deps) => {
  const { cards } = deps;
  if (cards === undefined) return;
  const { auto } = cards;

  jsonRoute(app, deps, {
    method: 'get',
    path: PATH,
    operationId: 'getAutoTopup',
    scopes: ['read', 'admin'],
    summary: 'Get when the account buys credit by itself',
    returns: 'The automatic top-up',
    answer: AutoTopupSchema,
    failures: [404],
    async handle(c) {
      const topup = await auto.get(callerOf(c).account.id);
      if (topup === undefined) throw none();
      return present(topup);
    },
  });

  jsonRoute(app, deps, {
    method: 'put',
    path: PATH,
    operationId: 'setAutoTopup',
    scopes: ['admin'],
    summary:
      'Buy credit by itself when little is left, by the card of a top-up with `save_card` that follows',
    body: AutoTopupRequestSchema,
    returns: 'The automatic top-up',
    answer: AutoTopupSchema,
    failures: [409, 415, 422],
    async handle(c, { body }) {
      if (body.monthly_limit < body.amount) {
        const message = 'is less than amount: nothing could be bought';
        throw invalidInput([{ path: 'monthly_limit', message }]);
      }
      const set = await auto.set({
        account: callerOf(c).account.id,
        threshold: microUsd(body.threshold),
        amount: microUsd(body.amount),
        monthlyLimit: microUsd(body.monthly_limit),
      });
      if (set === undefined) {
        throw new AppError('conflict', 'The top-up is being changed by others; try again.', {
          retryable: true,
        });
      }
      return present(set);
    },
  });

  apiRoute(app, deps, {
    method: 'delete',
    path: PATH,
    operationId: 'removeAutoTopup',
    scopes: ['admin'],
    summary: 'Buy no more credit by itself, and forget the card',
    responses: { 204: { description: 'Removed' } },
    failures: [404],
    async handle(c) {
      if (!(await auto.remove(callerOf(c).account.id))) throw none();
      return new Response(null, { status: 204, headers: commonHeaders(c) });
    },
  });
};

const none = () =>
  new AppError('not-found', `The account has no automatic top-up. Set one with PUT ${PATH}.`);

function present(topup: AutoTopup) {
  return {
    threshold: topup.threshold,
    amount: topup.amount,
    monthly_limit: topup.monthlyLimit,
    has_card: topup.card !== undefined,
    month: topup.month,
    bought: topup.bought,
    ended_at: isoOrNull(topup.ended?.at),
    ended_reason: topup.ended?.reason ?? null,
  };
}
