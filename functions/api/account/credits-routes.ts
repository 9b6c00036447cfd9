import { createRoute } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertOperator, targetAccount } from '#functions/api/http/target-account.ts';
import { AppError } from '#shared/core/errors.ts';
import { microUsd } from '#shared/core/money.ts';
import { grantCredit } from '#shared/service/domain/credits.ts';
import { GrantSchema, LedgerEntrySchema } from './account-schema.ts';
import { presentLedgerEntry } from './present-account.ts';

/** `POST /v1/credits`: the operator adds credit, once per reference. */
export function registerCredits(app: ApiApp, deps: RouteDeps): void {
  const entry = (description: string) => ({
    description,
    content: { 'application/json': { schema: LedgerEntrySchema } },
  });
  const route = createRoute({
    method: 'post',
    path: '/v1/credits',
    summary: 'Grant credit; the same reference is granted once. For the operator',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'admin')],
    request: { body: { required: true, content: { 'application/json': { schema: GrantSchema } } } },
    responses: {
      201: entry('The entry in the ledger'),
      200: entry('The entry of an earlier grant of this reference'),
      ...errorResponses(404, 409, 415, 422),
    },
  });

  app.openapi(route, async (c) => {
    assertOperator(c, deps);
    const grant = c.req.valid('json');
    const result = await grantCredit(deps, {
      account: await targetAccount(c, deps, grant.account),
      amount: microUsd(grant.amount),
      reference: grant.reference,
      actor: callerOf(c).key.id,
      ...(grant.note === undefined ? {} : { note: grant.note }),
      ...(typeof grant.expires_at === 'string' ? { expiresAt: Date.parse(grant.expires_at) } : {}),
    });
    if (result.outcome === 'conflict') {
      throw new AppError(
        'conflict',
        'This reference was granted before with another amount or to another account.',
        { details: { param: 'reference' } },
      );
    }
    const body = presentLedgerEntry(result.entry);
    if (result.outcome === 'granted') return answerJson(c, 201, body);
    return answerJson(c, 200, body, { 'idempotency-replayed': 'true' });
  });
}
