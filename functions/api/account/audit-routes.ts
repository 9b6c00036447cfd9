import { AccountQuery, Cursor, PageLimit, pageOf } from '#functions/api/http/common-schema.ts';
import { entryPage } from '#functions/api/http/entry-page.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { AuditEntrySchema } from './account-schema.ts';
import { presentAuditEntry } from './present-account.ts';

/** `GET /v1/audit`: who did what to keys and money, newest first. */
export const registerAudit: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/audit',
    operationId: 'listAudit',
    scopes: ['admin'],
    summary: 'List administrative acts, newest first',
    query: AccountQuery.extend({ cursor: Cursor.optional(), limit: PageLimit }),
    returns: 'A page of entries',
    answer: pageOf(AuditEntrySchema).openapi('AuditPage'),
    failures: [404],
    async handle(c, { query }) {
      const account = await targetAccount(c, deps, query.account);
      const entries = await deps.keyStore.audit(account, query.limit + 1, query.cursor);
      return entryPage(c, entries, presentAuditEntry, query);
    },
  });
