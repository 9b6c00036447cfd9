import type Database from 'libsql';
import { defined } from '#shared/core/defined.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { rowMembers } from './row-members.ts';

export function toOutboxEntry(row: unknown): OutboxEntry {
  const { id, account, job, event, url, createdAt, attempts, body, ...times } =
    rowMembers<OutboxEntry>(row);
  const { nextAttemptAt, deliveredAt, abandonedAt } = times;
  const known = { id, account, event, url, createdAt, attempts };
  const rest = { job: job || undefined, body, nextAttemptAt, deliveredAt, abandonedAt };
  return { ...known, ...defined(rest) };
}

/** Adds outbox entries, for use inside the transaction of what they tell of. */
export function createOutboxInsert(db: Database.Database): (entry: OutboxEntry) => void {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO outbox (id, account, job, event, url, created_at, next_attempt_at, ' +
      'visible_at, attempts, delivered_at, abandoned_at, body) ' +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  return (entry) => {
    insert.run(
      entry.id,
      entry.account,
      entry.job ?? '',
      entry.event,
      entry.url,
      entry.createdAt,
      entry.nextAttemptAt ?? null,
      entry.nextAttemptAt ?? null,
      entry.attempts,
      entry.deliveredAt ?? null,
      entry.abandonedAt ?? null,
      entry.body ?? null,
    );
  };
}
