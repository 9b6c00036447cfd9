import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { CursorSchema, entryPage, PageLimitSchema } from '#functions/api/http/entry-page.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { DateSchema } from '#functions/api/predictions/prediction-schema.ts';
import { LedgerEntrySchema } from './account-schema.ts';
import { presentLedgerEntry } from './present-account.ts';

const QuerySchema = z.object({
  account: z.string().optional().describe('For the operator: another account than its own'),
  from: DateSchema.optional(),
  to: DateSchema.optional().describe('Exclusive'),
  cursor: CursorSchema.optional(),
  limit: PageLimitSchema,
});

/** `GET /v1/ledger`: every movement of the account's money, newest first. */
export function registerLedger(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'get',
    path: '/v1/ledger',
    summary: 'List the entries of the ledger, newest first',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'read')],
    request: { query: QuerySchema },
    responses: {
      200: {
        description: 'A page of entries',
        content: {
          'application/json': {
            schema: z
              .object({ next: z.string().nullable(), results: z.array(LedgerEntrySchema) })
              .openapi('LedgerPage'),
          },
        },
      },
      ...errorResponses(404),
    },
  });

  app.openapi(route, async (c) => {
    const { account, from, to, cursor, limit } = c.req.valid('query');
    const entries = await deps.ledger.entries({
      account: await targetAccount(c, deps, account),
      limit: limit + 1,
      ...(from === undefined ? {} : { from: Date.parse(from) }),
      ...(to === undefined ? {} : { to: Date.parse(to) }),
      ...(cursor === undefined ? {} : { before: cursor }),
    });
    const { page, next } = entryPage(c, entries, limit, { account, from, to });
    return answerJson(c, 200, {
      next,
      results: page.map(presentLedgerEntry),
    });
  });
}
