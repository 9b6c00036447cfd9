import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid } from '#shared/core/ids.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { AccountSchema } from './account-schema.ts';
import { presentAccount } from './present-account.ts';

const security = [{ key: [] }];
const account = {
  description: 'The account',
  content: { 'application/json': { schema: AccountSchema } },
};

/** The caller's account; other accounts for the operator; and what the models run on. */
export function registerAccount(app: ApiApp, deps: RouteDeps): void {
  const reader = [authenticate(deps, 'read', 'predict')];
  const admin = [authenticate(deps, 'admin')];
  const { topupUrl } = deps.settings;

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/account',
      summary: 'Get the account, its balance and what is held of it',
      security,
      middleware: reader,
      responses: { 200: account, ...errorResponses() },
    }),
    async (c) => {
      const own = await deps.ledger.getAccount(callerOf(c).account.id);
      if (own === undefined) throw new AppError('internal-error', 'a key without an account');
      return answerJson(c, 200, presentAccount(own, topupUrl));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/accounts',
      summary: 'List every account; for the operator',
      security,
      middleware: admin,
      responses: {
        200: {
          description: 'Every account',
          content: {
            'application/json': { schema: z.object({ results: z.array(AccountSchema) }) },
          },
        },
        ...errorResponses(),
      },
    }),
    async (c) => {
      assertOperator(c, deps);
      const accounts = await deps.ledger.listAccounts();
      return answerJson(c, 200, { results: accounts.map((one) => presentAccount(one, topupUrl)) });
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/accounts',
      summary: 'Create an account; for the operator',
      security,
      middleware: admin,
      request: {
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z
                .strictObject({ name: z.string().min(1).max(100) })
                .openapi('NewAccount', { example: { name: 'shop' } }),
            },
          },
        },
      },
      responses: { 201: account, ...errorResponses(415, 422) },
    }),
    async (c) => {
      assertOperator(c, deps);
      const { name } = c.req.valid('json');
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
      return answerJson(c, 201, presentAccount(created, topupUrl));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/hardware',
      summary: 'List what the models run on',
      security,
      middleware: reader,
      responses: {
        200: {
          description: 'Every kind of hardware',
          content: {
            'application/json': {
              schema: z.array(z.object({ name: z.string(), sku: z.string() })),
            },
          },
        },
        ...errorResponses(),
      },
    }),
    (c) => {
      const names = [...new Set(deps.catalog.models.map(({ hardware }) => hardware))];
      return answerJson(
        c,
        200,
        names.map((name) => ({ name, sku: name })),
      );
    },
  );
}
