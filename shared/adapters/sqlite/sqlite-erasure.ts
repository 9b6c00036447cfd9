import type Database from 'libsql';
import type { Account, AuditEntry } from '#shared/core/account.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type Erasure, withoutNotes, withoutWords } from '#shared/service/ports/erasure.ts';
import { createAuditLog } from './audit-log.ts';
import type { Writer } from './group-commit.ts';
import { rowMembers } from './row-members.ts';

/** Rows that are looked through, and rows that are removed, in one transaction: some milliseconds. */
const PAGE = 500;
const REMOVED = 100;

interface Row {
  readonly id: string;
  readonly data: string;
}

/** What of a kind of record has no words in it; undefined where there were none. */
type Scrub = (record: never) => object | undefined;

export function createSqliteErasure(db: Database.Database, writer: Writer): Erasure {
  const audit = createAuditLog(db);
  const select = db.prepare('SELECT * FROM accounts WHERE id = ?');
  const selectPending = db.prepare(
    'SELECT * FROM accounts WHERE deleted_at IS NOT NULL AND erased_at IS NULL ORDER BY deleted_at',
  );
  const begin = db.prepare(
    "UPDATE accounts SET name = '', deleted_at = ?1, disabled_at = coalesce(disabled_at, ?1) " +
      'WHERE id = ?2 AND deleted_at IS NULL',
  );
  const end = db.prepare('UPDATE accounts SET erased_at = ? WHERE id = ? AND erased_at IS NULL');
  const ofAccount = (table: string, columns: string) =>
    `SELECT ${columns} FROM ${table} WHERE account = ? LIMIT ${REMOVED}`;
  const deliveries = `SELECT id FROM outbox WHERE account = ? ORDER BY created_at, id LIMIT ${REMOVED}`;
  const tagged =
    "FROM usage_days WHERE account = ? AND tags <> '{}' ORDER BY day, key, model, tags " +
    `LIMIT ${REMOVED}`;
  const removals = [
    [
      `DELETE FROM delivery_attempts WHERE entry IN (${deliveries})`,
      `DELETE FROM outbox WHERE id IN (${deliveries})`,
    ],
    ['DELETE FROM webhook_settings WHERE account = ?'],
    [
      'DELETE FROM webhook_health WHERE (account, url) IN ' +
        `(${ofAccount('webhook_health', 'account, url')})`,
    ],
    [`DELETE FROM keys WHERE id IN (${ofAccount('keys', 'id')})`],
    [
      // What was charged stays, without the tags that it was told by.
      "INSERT INTO usage_days SELECT account, day, key, model, '{}', sum(jobs), sum(images), " +
        `sum(amount) FROM (SELECT * ${tagged}) WHERE true ` +
        'GROUP BY account, day, key, model ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs, ' +
        'images = images + excluded.images, amount = amount + excluded.amount',
      'DELETE FROM usage_days WHERE (account, day, key, model, tags) IN ' +
        `(SELECT account, day, key, model, tags ${tagged})`,
    ],
  ].map((page) => page.map((sql) => db.prepare(sql)));
  const scrubbed = (table: string, column: string) => ({
    page: db.prepare(
      `SELECT id, ${column} data FROM ${table} WHERE account = ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
    ),
    put: db.prepare(`UPDATE ${table} SET ${column} = ? WHERE id = ?`),
  });
  const ledger = scrubbed('ledger', 'details');
  const acts = scrubbed('audit', 'data');
  const invitations = db.prepare('SELECT id, data FROM invitations ORDER BY id');
  const putInvitation = db.prepare('UPDATE invitations SET data = ? WHERE id = ?');

  const get = (id: AccountId): Account | undefined => {
    const row = select.get(id);
    return row === undefined ? undefined : rowMembers<Account>(row);
  };

  const put = (rows: readonly Row[], statement: Database.Statement, scrub: Scrub): number => {
    let changed = 0;
    for (const { id, data } of rows) {
      const left = scrub(JSON.parse(data) as never);
      if (left === undefined) continue;
      statement.run(JSON.stringify(left), id);
      changed++;
    }
    return changed;
  };

  /** Page by page, so that others have their turn. */
  const removeAll = async (id: AccountId): Promise<number> => {
    let removed = 0;
    for (const page of removals) {
      for (let changes = -1; changes !== 0; removed += changes) {
        changes = await writer.write(() =>
          page.reduce((sum, statement) => sum + statement.run(id).changes, 0),
        );
      }
    }
    return removed;
  };

  const scrubAll = async (id: AccountId, of: typeof ledger, scrub: Scrub): Promise<number> => {
    let changed = 0;
    for (let last = ''; ; ) {
      const rows = of.page.all(id, last) as Row[];
      if (rows.some(({ data }) => scrub(JSON.parse(data) as never) !== undefined)) {
        changed += await writer.write(() => put(rows, of.put, scrub));
      }
      last = rows.at(-1)?.id ?? '';
      if (rows.length < PAGE) return changed;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const nameless = (account: AccountId) => (invitation: InvitationData) =>
    invitation.used?.account === account && invitation.name !== ''
      ? { ...invitation, name: '' }
      : undefined;

  return {
    begin: (id, at, entry) =>
      writer.write(() => {
        if (begin.run(at, id).changes > 0) audit.add(entry);
        return get(id);
      }),

    pending: async () => selectPending.all().map((row) => rowMembers<Account>(row)),

    async eraseRecords(id) {
      const removed = await removeAll(id);
      const notes = await scrubAll(id, ledger, withoutNotes);
      const words = await scrubAll(id, acts, withoutWords as (entry: AuditEntry) => object);
      const names = await writer.write(() =>
        put(invitations.all() as Row[], putInvitation, nameless(id)),
      );
      return removed + notes + words + names;
    },

    end: (id, at) => writer.write(() => void end.run(at, id)),
  };
}

interface InvitationData {
  readonly name: string;
  readonly used?: { readonly account: AccountId };
}
