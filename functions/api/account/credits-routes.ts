import { answerJson } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { assertOperator, targetAccount } from '#functions/api/http/target-account.ts';
import { toEpochMs } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { microUsd } from '#shared/core/money.ts';
import { grantCredit } from '#shared/service/domain/credits.ts';
import { GrantSchema, LedgerEntrySchema } from './account-schema.ts';
import { presentLedgerEntry } from './present-account.ts';

/** `POST /v1/credits`: the operator adds credit, once per reference. */
export const registerCredits: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/credits',
    operationId: 'grantCredit',
    scopes: ['admin'],
    summary: 'Grant credit; the same reference is granted once. For the operator',
    body: GrantSchema,
    status: 201,
    returns: 'The entry in the ledger',
    answer: LedgerEntrySchema,
    responses: {
      200: {
        description: 'The entry of an earlier grant of this reference',
        content: { 'application/json': { schema: LedgerEntrySchema } },
      },
    },
    failures: [404, 409, 415, 422],
    async handle(c, { body }) {
      assertOperator(c, deps);
      const result = await grantCredit(deps, {
        account: await targetAccount(c, deps, body.account),
        amount: microUsd(body.amount),
        reference: body.reference,
        actor: callerOf(c).key.id,
        ...defined({ note: body.note, expiresAt: toEpochMs(body.expires_at) }),
      });
      if (result.outcome === 'conflict') {
        throw new AppError(
          'conflict',
          'This reference was granted before with another amount or to another account.',
          { details: { param: 'reference' } },
        );
      }
      const entry = presentLedgerEntry(result.entry);
      if (result.outcome === 'granted') return entry;
      return answerJson(c, 200, LedgerEntrySchema, entry, { 'idempotency-replayed': 'true' });
    },
  });
