import { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { IN_UTC, PeriodBound } from '#functions/api/http/common-schema.ts';
import { answerCsv, wantsCsv } from '#functions/api/http/csv.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { toEpochMs, toIso } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  readUsage,
  USAGE_GROUPS,
  type Usage,
  type UsageGroup,
} from '#shared/service/domain/usage.ts';
import { UsageSchema } from './account-schema.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

const QuerySchema = z.object({
  from: PeriodBound.optional().describe(
    `${IN_UTC}. Default: the beginning, in UTC, of the day ${DEFAULT_DAYS} days before \`to\``,
  ),
  to: PeriodBound.optional().describe(`Exclusive. ${IN_UTC}. Default: now`),
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

/** `GET /v1/usage`: what was charged, by day, key, model and tag. It sums to the ledger's captures. */
export const registerUsage: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/usage',
    operationId: 'getUsage',
    scopes: ['read', 'admin'],
    summary: 'Sum up what was charged',
    query: QuerySchema,
    returns: 'Rows and their total',
    answer: UsageSchema,
    alsoAs: { 'text/csv': { schema: z.string() } },
    async handle(c, { query }) {
      const now = deps.clock.now();
      const to = toEpochMs(query.to) ?? now;
      const from = toEpochMs(query.from) ?? (Math.floor(to / DAY_MS) - DEFAULT_DAYS) * DAY_MS;
      if (!(from < to) || to - from > MAX_DAYS * DAY_MS) {
        const problem = `from must be before to, by ${MAX_DAYS} days at most.`;
        throw new AppError('invalid-request', problem, { details: { param: 'from' } });
      }
      const by = [...new Set(query.by.split(','))] as UsageGroup[];
      const { account } = callerOf(c);
      const usage = await readUsage(deps.ledger, { account: account.id, from, to, by, now });
      if (wantsCsv(c, query.format)) return answerCsv(c, 'usage.csv', toRows(by, usage));
      return { from: toIso(from), to: toIso(to), by, rows: [...usage.rows], total: usage.total };
    },
  });

/** With a header line; the amount in millionths of a US dollar. */
function toRows(by: readonly UsageGroup[], usage: Usage): (string | number)[][] {
  const lines = usage.rows.map((row) => [
    ...by.map((name) => row.group[name] ?? ''),
    row.jobs,
    row.images,
    row.amount,
  ]);
  return [[...by, 'jobs', 'images', 'amount_micro_usd'], ...lines];
}
