import {
  AccountQuery,
  Cursor,
  IN_UTC,
  PageLimit,
  PeriodBound,
  pageOf,
} from '#functions/api/http/common-schema.ts';
import { entryPage } from '#functions/api/http/entry-page.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { toEpochMs } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { LedgerEntrySchema } from './account-schema.ts';
import { presentLedgerEntry } from './present-account.ts';

/** `GET /v1/ledger`: every movement of the account's money, newest first. */
export const registerLedger: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/ledger',
    operationId: 'listLedger',
    scopes: ['read'],
    summary: 'List the entries of the ledger, newest first',
    query: AccountQuery.extend({
      from: PeriodBound.optional(),
      to: PeriodBound.optional().describe(`Exclusive. ${IN_UTC}`),
      cursor: Cursor.optional(),
      limit: PageLimit,
    }),
    returns: 'A page of entries',
    answer: pageOf(LedgerEntrySchema).openapi('LedgerPage'),
    failures: [404],
    async handle(c, { query }) {
      const { from, to, cursor: before, limit } = query;
      const entries = await deps.ledger.entries({
        account: await targetAccount(c, deps, query.account),
        limit: limit + 1,
        ...defined({ from: toEpochMs(from), to: toEpochMs(to), before }),
      });
      return entryPage(c, entries, presentLedgerEntry, query);
    },
  });
