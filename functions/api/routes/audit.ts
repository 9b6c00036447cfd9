import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/answer.ts';
import { authenticate } from '#functions/api/authenticate.ts';
import type { ApiApp } from '#functions/api/context.ts';
import type { RouteDeps } from '#functions/api/route-deps.ts';
import { AuditEntrySchema } from '#functions/api/schemas/account.ts';
import { errorResponses } from '#functions/api/schemas/error.ts';
import { targetAccount } from '#functions/api/target-account.ts';
import { toIso } from '#shared/core/clock.ts';

const QuerySchema = z.object({
  account: z.string().optional().describe('Another account; for the operator only'),
  cursor: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,64}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
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
    const page = entries.slice(0, limit);
    const link = new URLSearchParams({
      ...(named === undefined ? {} : { account: named }),
      limit: String(limit),
      cursor: page.at(-1)?.id ?? '',
    });
    return answerJson(c, 200, {
      next: entries.length > limit ? `${c.get('facts').origin}/v1/audit?${link}` : null,
      results: page.map(({ id, at, actor, action, subject, details }) => {
        return { id, at: toIso(at), actor, action, subject, details };
      }),
    });
  });
}
