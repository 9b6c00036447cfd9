import { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { listOf } from '#functions/api/http/common-schema.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid } from '#shared/core/ids.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { AccountSchema, HardwareSchema, NewAccountSchema } from './account-schema.ts';
import { presentAccount } from './present-account.ts';

/** The caller's account; other accounts for the operator; and what the models run on. */
export const registerAccount: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/account',
    operationId: 'getAccount',
    scopes: ['read', 'predict'],
    summary: 'Get the account, its balance and what is held of it',
    returns: 'The account',
    answer: AccountSchema,
    async handle(c) {
      const own = await deps.ledger.getAccount(callerOf(c).account.id);
      if (own === undefined) throw new AppError('internal-error', 'a key without an account');
      return presentAccount(own, deps);
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/accounts',
    operationId: 'listAccounts',
    scopes: ['admin'],
    summary: 'List every account; for the operator',
    returns: 'Every account',
    answer: listOf(AccountSchema),
    async handle(c) {
      assertOperator(c, deps);
      const accounts = await deps.ledger.listAccounts();
      return { results: accounts.map((one) => presentAccount(one, deps)) };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/accounts',
    operationId: 'createAccount',
    scopes: ['admin'],
    summary: 'Create an account; for the operator',
    body: NewAccountSchema,
    status: 201,
    returns: 'The account',
    answer: AccountSchema,
    failures: [415, 422],
    async handle(c, { body: { name } }) {
      assertOperator(c, deps);
      const id = `acc_${createUlid(deps.clock, deps.randomBytes)}` as AccountId;
      const at = deps.clock.now();
      const created = { id, name, createdAt: at, balance: ZERO_USD, held: ZERO_USD };
      await deps.ledger.createAccount(created, {
        id: createUlid(deps.clock, deps.randomBytes),
        at,
        account: id,
        actor: callerOf(c).key.id,
        action: 'account-created',
        subject: id,
        details: { name },
      });
      return presentAccount(created, deps);
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/hardware',
    operationId: 'listHardware',
    scopes: ['read', 'predict'],
    summary: 'List the hardware that models run on',
    returns: 'Every kind of hardware',
    answer: z.array(HardwareSchema),
    handle() {
      const names = new Set(deps.catalog.models.map(({ hardware }) => hardware));
      return [...names].map((name) => ({ name, sku: name }));
    },
  });
};
