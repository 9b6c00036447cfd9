import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { CursorSchema, entryPage, PageLimitSchema } from '#functions/api/http/entry-page.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { toIso } from '#shared/core/clock.ts';
import { AuditEntrySchema } from './account-schema.ts';

const QuerySchema = z.object({
  account: z.string().optional().describe('Another account; for the operator only'),
  cursor: CursorSchema.optional(),
  limit: PageLimitSchema,
});

/** `GET /v1/audit`: who did what to keys and money, newest first. */
export function registerAudit(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'get',
    path: '/v1/audit',
    summary: 'List administrative acts, newest first',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'admin')],
    request: { query: QuerySchema },
    responses: {
      200: {
        description: 'A page of entries',
        content: {
          'application/json': {
            schema: z
              .object({ next: z.string().nullable(), results: z.array(AuditEntrySchema) })
              .openapi('AuditPage'),
          },
        },
      },
      ...errorResponses(404),
    },
  });

  app.openapi(route, async (c) => {
    const { account: named, cursor, limit } = c.req.valid('query');
    const account = await targetAccount(c, deps, named);
    const entries = await deps.keyStore.audit(account, limit + 1, cursor);
    const { page, next } = entryPage(c, entries, limit, { account: named });
    return answerJson(c, 200, {
      next,
      results: page.map(({ id, at, actor, action, subject, details }) => {
        return { id, at: toIso(at), actor, action, subject, details };
      }),
    });
  });
}
