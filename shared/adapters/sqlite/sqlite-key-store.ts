import type Database from 'libsql';
import type { ApiKey, AuditEntry } from '#shared/core/account.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import { changedKey, type KeyStore } from '#shared/service/ports/key-store.ts';
import { createAuditLog } from './audit-log.ts';
import { createBudgets } from './budgets.ts';
import type { Writer } from './group-commit.ts';
import { createKeyRows } from './key-rows.ts';

interface KeyRow {
  readonly data: string;
}

export function createSqliteKeyStore(db: Database.Database, writer: Writer): KeyStore {
  const audit = createAuditLog(db);
  const budgets = createBudgets(db);
  const rows = createKeyRows(db);
  const replace = db.prepare('UPDATE keys SET data = ? WHERE id = ?');
  const noteUse = db.prepare(
    "UPDATE keys SET data = json_set(data, '$.lastUsedAt', ?1) " +
      "WHERE id = ?2 AND coalesce(data ->> '$.lastUsedAt', 0) < ?1",
  );
  const select = db.prepare('SELECT data FROM keys WHERE id = ?');
  const selectAll = db.prepare('SELECT data FROM keys WHERE account = ?');

  const get = (id: KeyId): ApiKey | undefined => {
    const row = select.get(id) as KeyRow | undefined;
    return row && (JSON.parse(row.data) as ApiKey);
  };

  return {
    create: (key: ApiKey, entry: AuditEntry) =>
      writer.write(() => {
        rows.add(key);
        audit.add(entry);
      }),

    get: async (id) => get(id),

    async list(account: AccountId) {
      const rows = selectAll.all(account) as KeyRow[];
      return rows
        .map(({ data }) => JSON.parse(data) as ApiKey)
        .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    },

    update: (id, change, entry) =>
      writer.write(() => {
        const key = get(id);
        if (key === undefined || key.revokedAt !== undefined) return undefined;
        const updated = changedKey(key, change);
        replace.run(JSON.stringify(updated), id);
        audit.add(entry);
        return updated;
      }),

    spent: async (budgetKey, period) => budgets.spent(budgetKey, period),
    // Lost in a crash, it is noted again by the next use: worth no fsync.
    noteUse: (id, at) => writer.write(() => void noteUse.run(at, id), true),

    audit: async (account, limit, before) => audit.list(account, limit, before),
  };
}
