import { commonHeaders } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { apiRoute, jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator, isOperator } from '#functions/api/http/target-account.ts';
import { vetUrl } from '#shared/adapters/http/vet-url.ts';
import { ACCOUNT_EVENTS, type AccountHook } from '#shared/core/account-hook.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { accountEntry } from '#shared/service/domain/webhooks/account-events.ts';
import { presentDelivery } from './present-delivery.ts';
import {
  AccountHookSchema,
  DeliverySchema,
  SetAccountHookSchema,
  TestWebhookSchema,
} from './webhook-schema.ts';

const PATH = '/v1/webhooks/account';
/** How often a change is tried while the account's events are being told. */
const MAX_TRIES = 5;

/** Where the account is told of its events; and a test of that, or of any other receiver. */
export const registerAccountHook: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: PATH,
    operationId: 'getAccountWebhook',
    scopes: ['read', 'admin'],
    summary: 'Get the account’s webhook',
    returns: 'The webhook',
    answer: AccountHookSchema,
    failures: [404],
    handle: async (c) => present(await storedHook(c, deps)),
  });

  jsonRoute(app, deps, {
    method: 'put',
    path: PATH,
    operationId: 'setAccountWebhook',
    scopes: ['admin'],
    summary: 'Set the account’s webhook and its events',
    body: SetAccountHookSchema,
    returns: 'The webhook',
    answer: AccountHookSchema,
    failures: [409, 415, 422],
    async handle(c, { body }) {
      checkUrl(body.url, deps);
      if (body.events?.includes('ledger.mismatch')) assertOperator(c, deps);
      const events =
        body.events ??
        ACCOUNT_EVENTS.filter((event) => event !== 'ledger.mismatch' || isOperator(c, deps));
      const { id: account } = callerOf(c).account;
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const before = await deps.hooks.get(account);
        const hook: AccountHook = {
          account,
          url: body.url,
          events: [...new Set(events)],
          lowBalance: microUsd(body.low_balance),
          // A new receiver is told of everything that holds.
          told: [],
          version: (before?.version ?? 0) + 1,
        };
        if (await deps.hooks.put(hook, [])) return present(hook);
      }
      throw new AppError('conflict', 'The webhook is being changed by others; try again.', {
        retryable: true,
      });
    },
  });

  apiRoute(app, deps, {
    method: 'delete',
    path: PATH,
    operationId: 'removeAccountWebhook',
    scopes: ['admin'],
    summary: 'Remove the account’s webhook',
    responses: { 204: { description: 'Removed' } },
    failures: [404],
    async handle(c) {
      if (!(await deps.hooks.remove(callerOf(c).account.id))) throw noHook();
      return new Response(null, { status: 204, headers: commonHeaders(c) });
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/webhooks/test',
    operationId: 'testWebhook',
    scopes: ['predict', 'admin'],
    summary: 'Send one signed test event; its delivery shows how it was received',
    body: TestWebhookSchema,
    bodyIsOptional: true,
    status: 201,
    returns: 'The delivery',
    answer: DeliverySchema,
    failures: [404, 415, 422],
    async handle(c, { body }) {
      const { account } = callerOf(c);
      const url = body.url ?? (await storedHook(c, deps)).url;
      checkUrl(url, deps);
      const entry = accountEntry(
        { account: account.id, url },
        {
          id: `evt_${createUlid(deps.clock, deps.randomBytes)}`,
          event: 'test',
          data: { message: 'If you can read this, webhooks reach you.' },
          at: deps.clock.now(),
        },
      );
      await deps.outbox.add(entry);
      deps.onWebhookDue?.(entry);
      return presentDelivery(entry);
    },
  });
};

async function storedHook(c: ApiContext, deps: Pick<RouteDeps, 'hooks'>): Promise<AccountHook> {
  const hook = await deps.hooks.get(callerOf(c).account.id);
  if (hook === undefined) throw noHook();
  return hook;
}

const noHook = () =>
  new AppError(
    'not-found',
    `The account has no webhook for its own events. Set one with PUT ${PATH}.`,
  );

function checkUrl(url: string, { settings }: Pick<RouteDeps, 'settings'>): void {
  const verdict = vetUrl(url, settings.allowLocalWebhooks);
  if (!verdict.ok) throw invalidInput([{ path: 'url', message: verdict.problem }]);
}

function present({ url, events, lowBalance }: AccountHook) {
  return { url, events, low_balance: lowBalance };
}
