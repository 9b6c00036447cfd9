import type Database from 'libsql';
import { defined } from '#shared/core/defined.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';

export interface OutboxRow {
  readonly id: string;
  readonly account: string;
  readonly job: string;
  readonly event: string;
  readonly url: string;
  readonly created_at: number;
  readonly next_attempt_at: number | null;
  readonly attempts: number;
  readonly delivered_at: number | null;
  readonly abandoned_at: number | null;
}

export function toOutboxEntry(row: OutboxRow): OutboxEntry {
  return {
    id: row.id,
    account: row.account,
    job: row.job,
    event: row.event,
    url: row.url,
    createdAt: row.created_at,
    ...defined({ nextAttemptAt: row.next_attempt_at ?? undefined }),
    attempts: row.attempts,
    ...defined({
      deliveredAt: row.delivered_at ?? undefined,
      abandonedAt: row.abandoned_at ?? undefined,
    }),
  } as OutboxEntry;
}

/** Adds outbox entries, for use inside the transaction of what they tell of. */
export function createOutboxInsert(db: Database.Database): (entry: OutboxEntry) => void {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO outbox (id, account, job, event, url, created_at, next_attempt_at, ' +
      'visible_at, attempts, delivered_at, abandoned_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  return (entry) => {
    insert.run(
      entry.id,
      entry.account,
      entry.job,
      entry.event,
      entry.url,
      entry.createdAt,
      entry.nextAttemptAt ?? null,
      entry.nextAttemptAt ?? null,
      entry.attempts,
      entry.deliveredAt ?? null,
      entry.abandonedAt ?? null,
    );
  };
}
