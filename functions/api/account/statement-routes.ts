import { z } from '@hono/zod-openapi';
import { answerInParts } from '#functions/api/http/answer-in-parts.ts';
import { answerCsv, wantsCsv } from '#functions/api/http/csv.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { isoOrNull, toIso } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  createStatements,
  monthOf,
  type Statement,
  type StatementLine,
} from '#shared/service/domain/statement.ts';
import { StatementQuerySchema, StatementSchema } from './statement-schema.ts';

/** `GET /v1/statement`: a month of an account's money, which adds up to the ledger. */
export const registerStatement: RegisterRoutes = (app, deps) => {
  const statements = createStatements(deps);
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/statement',
    operationId: 'getStatement',
    scopes: ['read', 'admin'],
    summary: 'Get a monthly statement: what there was, each change, and what that made',
    query: StatementQuerySchema,
    returns: 'The statement',
    answer: StatementSchema,
    alsoAs: { 'text/csv': { schema: z.string() } },
    failures: [404],
    async handle(c, { query }) {
      const thisMonth = toIso(deps.clock.now()).slice(0, 7);
      const { month = thisMonth } = query;
      if (month > thisMonth) {
        const problem = `month: ${month} has not begun; the latest is ${thisMonth}.`;
        throw new AppError('invalid-request', problem, { details: { param: 'month' } });
      }
      const account = await targetAccount(c, deps, query.account);
      const statement = await statements.read(account, monthOf(month));
      if (wantsCsv(c, query.format)) {
        return answerCsv(c, `statement-${month}.csv`, toRows(statement));
      }
      const { name = '' } = (await deps.ledger.getAccount(account)) ?? {};
      const { from, to, opening, closing, lines, sums } = statement;
      const head = {
        account,
        name,
        month,
        from: toIso(from),
        to: toIso(to),
        currency: 'micro_usd' as const,
        opening,
        closing,
        sums: { ...sums },
      };
      return answerInParts(c, { 'content-type': 'application/json' }, toJson(head, lines));
    },
  });
};

type Answer = z.input<typeof StatementSchema>;

/** As `JSON.stringify` would write it all, line by line. */
function* toJson(head: Omit<Answer, 'lines'>, lines: Statement['lines']): Generator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"lines":[`;
  let comma = '';
  for (const line of lines) {
    yield comma + JSON.stringify(present(line));
    comma = ',';
  }
  yield ']}';
}

function present({ entry, change, total }: StatementLine): Answer['lines'][number] {
  return {
    id: entry.id,
    at: toIso(entry.at),
    kind: entry.kind,
    change,
    total,
    prediction: entry.job ?? null,
    model: entry.model ?? null,
    images: entry.images ?? null,
    reference: entry.reference ?? null,
    note: entry.note ?? null,
    expires_at: isoOrNull(entry.expiresAt),
  };
}

const COLUMNS = [
  'at',
  'kind',
  'change_micro_usd',
  'total_micro_usd',
  'prediction',
  'model',
  'images',
  'reference',
  'note',
  'expires_at',
] as const;

/** Between a line of the opening and one of the closing, each with the total alone. */
function* toRows({
  from,
  to,
  opening,
  closing,
  lines,
}: Statement): Generator<readonly (string | number)[]> {
  const bound = (at: number, kind: string, total: number) =>
    COLUMNS.map((_, i) => [toIso(at), kind, '', total][i] ?? '');
  yield COLUMNS;
  yield bound(from, 'opening', opening);
  for (const { entry, change, total } of lines) {
    yield [
      toIso(entry.at),
      entry.kind,
      change,
      total,
      entry.job ?? '',
      entry.model ?? '',
      entry.images ?? '',
      entry.reference ?? '',
      entry.note ?? '',
      isoOrNull(entry.expiresAt) ?? '',
    ];
  }
  yield bound(to, 'closing', closing);
}
