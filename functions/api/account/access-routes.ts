import { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { setAccountAccess } from '#shared/service/domain/account-access.ts';
import { deleteAccount } from '#shared/service/domain/account-deletion.ts';
import { AccountSchema } from './account-schema.ts';
import { presentAccount } from './present-account.ts';

const ACTIONS = [
  ['disable', 'disabled', 'Refuse the keys of an account, within 60 s; jobs that run end as usual'],
  ['enable', 'enabled', 'Accept the keys of a disabled account again'],
] as const;

/** `POST /v1/accounts/{id}/disable` and `…/enable`, and `DELETE /v1/accounts/{id}`, for the operator. */
export const registerAccountAccess: RegisterRoutes = (app, deps) => {
  for (const [action, access, summary] of ACTIONS) {
    jsonRoute(app, deps, {
      method: 'post',
      path: `/v1/accounts/{id}/${action}`,
      operationId: `${action}Account`,
      scopes: ['admin'],
      summary: `${summary}. For the operator`,
      params: z.object({ id: z.string().max(64) }),
      returns: 'The account',
      answer: AccountSchema,
      failures: [404, 409],
      async handle(c, { params }) {
        const changed = await setAccountAccess(deps, { ...actOn(c, deps, params.id), access });
        return presentAccount(changed, deps);
      },
    });
  }

  jsonRoute(app, deps, {
    method: 'delete',
    path: '/v1/accounts/{id}',
    operationId: 'deleteAccount',
    scopes: ['admin'],
    summary: 'Delete an account for good: its data is erased, the ledger stays. For the operator',
    params: z.object({ id: z.string().max(64) }),
    returns: 'The account; `erased_at` is there once all its data is gone',
    answer: AccountSchema,
    failures: [404, 409],
    async handle(c, { params }) {
      const deleted = await deleteAccount(deps, actOn(c, deps, params.id));
      return presentAccount(deleted, deps);
    },
  });
};

/** What the operator acts on, which is any account but its own. */
function actOn(c: ApiContext, deps: RouteDeps, id: string) {
  assertOperator(c, deps);
  if (id === deps.settings.operatorAccount) {
    throw new AppError('conflict', "The operator's own account can't be disabled or deleted.");
  }
  return { account: id as AccountId, actor: callerOf(c).key.id };
}
