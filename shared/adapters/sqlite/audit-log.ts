import type Database from 'libsql';
import type { AuditEntry } from '#shared/core/account.ts';
import type { AccountId } from '#shared/core/ids.ts';

/** The audit table, for use inside the transactions of what is audited. */
export function createAuditLog(db: Database.Database) {
  const insert = db.prepare('INSERT OR IGNORE INTO audit (id, account, data) VALUES (?, ?, ?)');
  const select = db.prepare(
    "SELECT data FROM audit WHERE account = ? AND id < coalesce(?, '~') ORDER BY id DESC LIMIT ?",
  );
  return {
    add(entry: AuditEntry): void {
      insert.run(entry.id, entry.account, JSON.stringify(entry));
    },
    list(account: AccountId, limit: number, before: string | undefined): readonly AuditEntry[] {
      const rows = select.all(account, before ?? null, limit) as { data: string }[];
      return rows.map(({ data }) => JSON.parse(data) as AuditEntry);
    },
  };
}
