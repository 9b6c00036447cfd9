import { createRoute, z } from '@hono/zod-openapi';
import { answerJson, commonHeaders } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { DateSchema, DateTime, MicroUsd } from '#functions/api/predictions/prediction-schema.ts';
import { toIso } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  readUsage,
  USAGE_GROUPS,
  type Usage,
  type UsageGroup,
} from '#shared/service/domain/usage.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

const QuerySchema = z.object({
  from: DateSchema.optional().describe(`${DEFAULT_DAYS} days ago unless told`),
  to: DateSchema.optional().describe('Exclusive; now unless told'),
  by: z
    .string()
    .regex(
      /^(day|key|model|tag:[A-Za-z0-9_.-]{1,64})(,(day|key|model|tag:[A-Za-z0-9_.-]{1,64})){0,3}$/,
      `must be a list of ${USAGE_GROUPS.join(', ')} and tag:NAME, at most four`,
    )
    .default('day')
    .openapi({ example: 'day,model' }),
  format: z.enum(['json', 'csv']).optional().describe('Or ask with Accept: text/csv'),
});

const sums = { jobs: z.number().int(), images: z.number().int(), amount: MicroUsd };

const UsageSchema = z
  .object({
    from: DateTime,
    to: DateTime,
    by: z.array(z.string()),
    rows: z.array(z.object({ group: z.record(z.string(), z.string()), ...sums })),
    total: z.object(sums),
  })
  .openapi('Usage');

/** `GET /v1/usage`: what was charged, by day, key, model and tag. It sums to the ledger's captures. */
export function registerUsage(app: ApiApp, deps: RouteDeps): void {
  const route = createRoute({
    method: 'get',
    path: '/v1/usage',
    summary: 'Sum up what was charged',
    security: [{ key: [] }],
    middleware: [authenticate(deps, 'read', 'admin')],
    request: { query: QuerySchema },
    responses: {
      200: {
        description: 'Rows and their total',
        content: {
          'application/json': { schema: UsageSchema },
          'text/csv': { schema: z.string() },
        },
      },
      ...errorResponses(),
    },
  });

  app.openapi(route, async (c) => {
    const query = c.req.valid('query');
    const to = query.to === undefined ? deps.clock.now() : Date.parse(query.to);
    const from = query.from === undefined ? to - DEFAULT_DAYS * DAY_MS : Date.parse(query.from);
    if (!(from < to) || to - from > MAX_DAYS * DAY_MS) {
      throw new AppError(
        'invalid-request',
        `from must be before to, by ${MAX_DAYS} days at most.`,
        {
          details: { param: 'from' },
        },
      );
    }
    const by = [...new Set(query.by.split(','))] as UsageGroup[];
    const { account } = callerOf(c);
    const usage = await readUsage(deps.ledger, { account: account.id, from, to, by });
    const csv =
      query.format === 'csv' || (query.format === undefined && wantsCsv(c.req.header('accept')));
    if (csv) {
      return new Response(toCsv(by, usage), {
        headers: {
          ...commonHeaders(c),
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': 'attachment; filename="usage.csv"',
        },
      });
    }
    return answerJson(c, 200, {
      from: toIso(from),
      to: toIso(to),
      by,
      rows: [...usage.rows],
      total: usage.total,
    });
  });
}

function wantsCsv(accept: string | undefined): boolean {
  return accept?.split(',')[0]?.trim().startsWith('text/csv') === true;
}

/** RFC 4180, with a header line; the amount in millionths of a US dollar. */
function toCsv(by: readonly UsageGroup[], usage: Usage): string {
  const lines = usage.rows.map((row) => [
    ...by.map((name) => row.group[name] ?? ''),
    row.jobs,
    row.images,
    row.amount,
  ]);
  return [[...by, 'jobs', 'images', 'amount_micro_usd'], ...lines]
    .map((cells) => `${cells.map(csvCell).join(',')}\r\n`)
    .join('');
}

/** Quoted where needed; a text that a spreadsheet would run as a formula gets a quote mark in front. */
function csvCell(value: string | number): string {
  const text =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
