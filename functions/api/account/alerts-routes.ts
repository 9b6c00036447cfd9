import { callerOf } from '#functions/api/http/authenticate.ts';
import { listOf } from '#functions/api/http/common-schema.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { DEFAULT_LOW_BALANCE } from '#shared/core/account-hook.ts';
import { leastPrice } from '#shared/service/domain/offer.ts';
import { accountAlerts } from '#shared/service/domain/webhooks/circumstances.ts';
import { AlertSchema } from './account-schema.ts';

/** `/v1/alerts`: what the account's webhook is told of, while it holds, also without a webhook. */
export const registerAlerts: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/alerts',
    operationId: 'listAlerts',
    scopes: ['read', 'admin'],
    summary:
      'List what needs attention: little credit, keys at their limit, receivers switched off',
    returns: 'What holds now; nothing if all is well',
    answer: listOf(AlertSchema),
    async handle(c) {
      const { id: account } = callerOf(c).account;
      const { keyStore: keys, catalog, pricing, cards } = deps;
      const lowBalance = (await deps.hooks.get(account))?.lowBalance ?? DEFAULT_LOW_BALANCE;
      const found = await accountAlerts(
        { ...deps, keys, autoTopups: cards?.auto, leastPrice: leastPrice(catalog, pricing) },
        { account, lowBalance },
      );
      return { results: found.map(({ event, data }) => ({ type: event, data })) };
    },
  });
};
