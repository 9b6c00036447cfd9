import type Database from 'libsql';
import type { Clock } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';
import {
  type EndpointHealth,
  MOST_RECEIVERS,
  type Outbox,
  type WebhookSettings,
} from '#shared/service/ports/outbox.ts';
import { createDueLanes } from './due-lanes.ts';
import type { Writer } from './group-commit.ts';
import { createOutboxInsert, toOutboxEntry } from './outbox-rows.ts';
import { rowMembers } from './row-members.ts';

export function createSqliteOutbox(
  db: Database.Database,
  writer: Writer,
  { clock }: { readonly clock: Clock },
): Outbox {
  const insert = createOutboxInsert(db);
  const select = db.prepare('SELECT * FROM outbox WHERE id = ?');
  const selectDue = db.prepare(
    'SELECT * FROM outbox WHERE next_attempt_at IS NOT NULL AND visible_at <= ? ' +
      'ORDER BY visible_at LIMIT ?',
  );
  const hide = db.prepare(
    'UPDATE outbox SET visible_at = ? ' +
      'WHERE id = ? AND next_attempt_at IS NOT NULL AND visible_at <= ?',
  );
  const findDue = createDueLanes(db);
  const insertAttempt = db.prepare(
    'INSERT OR IGNORE INTO delivery_attempts (entry, number, at, duration_ms, status, failure) ' +
      'VALUES (?, ?, ?, ?, ?, ?)',
  );
  const finish = db.prepare(
    'UPDATE outbox SET attempts = max(attempts, ?1), next_attempt_at = ?2, visible_at = ?2, ' +
      'delivered_at = coalesce(?3, delivered_at), abandoned_at = coalesce(?4, abandoned_at), ' +
      // The address of an erased job's webhook goes once nothing is sent there any more.
      'url = CASE WHEN ?2 IS NULL AND EXISTS (SELECT 1 FROM jobs ' +
      "WHERE jobs.id = outbox.job AND data_removed_at IS NOT NULL) THEN '' ELSE url END WHERE id = ?5",
  );
  const requeue = db.prepare(
    'UPDATE outbox SET next_attempt_at = ?, visible_at = ?, delivered_at = NULL, ' +
      "abandoned_at = NULL WHERE id = ? AND next_attempt_at IS NULL AND url <> ''",
  );
  const selectByJob = db.prepare('SELECT * FROM outbox WHERE job = ? ORDER BY created_at, id');
  const selectByAccount = db.prepare(
    'SELECT * FROM outbox WHERE account = ? ORDER BY created_at DESC, id DESC LIMIT ?',
  );
  const selectBefore = db.prepare(
    'SELECT * FROM outbox WHERE account = ? AND (created_at, id) < ' +
      '(SELECT created_at, id FROM outbox WHERE id = ?) ORDER BY created_at DESC, id DESC LIMIT ?',
  );
  const selectAttempts = db.prepare(
    'SELECT * FROM delivery_attempts WHERE entry = ? ORDER BY number',
  );
  const settings = db.prepare('SELECT data FROM webhook_settings WHERE account = ?');
  const putSettings = db.prepare(
    'INSERT INTO webhook_settings (account, data) VALUES (?, ?) ' +
      'ON CONFLICT (account) DO UPDATE SET data = excluded.data',
  );
  const health = db.prepare('SELECT data FROM webhook_health WHERE account = ? AND url = ?');
  const listHealth = db.prepare(
    `SELECT data FROM webhook_health WHERE account = ? ORDER BY url LIMIT ${MOST_RECEIVERS}`,
  );
  const putHealth = db.prepare(
    'INSERT INTO webhook_health (account, url, data, changed_at) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (account, url) DO UPDATE SET data = excluded.data, changed_at = excluded.changed_at',
  );

  const get = (id: string): OutboxEntry | undefined => {
    const row = select.get(id);
    return row === undefined ? undefined : toOutboxEntry(row);
  };

  return {
    get: async (id) => get(id),

    add: (entry) => writer.write(() => insert(entry)),

    async claimDue(now, hideUntil, limit, room) {
      // Asked every second and mostly in vain: no transaction for that.
      if (selectDue.get(now, 1) === undefined) return [];
      const found = room && (await findDue(now, limit, room));
      if (found?.length === 0) return [];
      return writer.write(() => {
        const due =
          found?.flatMap((id) => get(id) ?? []) ?? selectDue.all(now, limit).map(toOutboxEntry);
        // Another caller may have been faster since they were found.
        return due.filter(({ id }) => hide.run(hideUntil, id, now).changes > 0);
      });
    },

    recordAttempt: (attempt, result) =>
      writer.write(() => {
        const { entry, number, at, durationMs, status, failure } = attempt;
        insertAttempt.run(entry, number, at, durationMs, status ?? null, failure ?? null);
        const next = result.next === 'retry' ? result.nextAttemptAt : null;
        const delivered = result.next === 'delivered' ? at : null;
        const abandoned = result.next === 'abandoned' ? at : null;
        finish.run(number, next, delivered, abandoned, entry);
      }),

    requeue: (id, nextAttemptAt) =>
      writer.write(() => {
        const { changes } = requeue.run(nextAttemptAt, nextAttemptAt, id);
        return changes === 0 ? undefined : get(id);
      }),

    listByJob: async (job) => selectByJob.all(job).map(toOutboxEntry),

    async listByAccount(account, limit, before) {
      const rows =
        before === undefined
          ? selectByAccount.all(account, limit)
          : selectBefore.all(account, before, limit);
      return rows.map(toOutboxEntry);
    },

    attempts: async (entry) => selectAttempts.all(entry).map(rowMembers<DeliveryAttempt>),

    getSettings: async (account) => parseData<WebhookSettings>(settings.get(account)),

    putSettings: (next, expected) =>
      writer.write(() => {
        const stored = parseData<WebhookSettings>(settings.get(next.account));
        if (JSON.stringify(stored) !== JSON.stringify(expected)) return false;
        putSettings.run(next.account, JSON.stringify(next));
        return true;
      }),

    getHealth: async (account, url) => parseData<EndpointHealth>(health.get(account, url)),

    putHealth: (account: AccountId, state) =>
      writer.write(() => {
        putHealth.run(account, state.url, JSON.stringify(state), clock.now());
      }),

    listHealth: async (account) =>
      (listHealth.all(account) as { data: string }[]).map(
        ({ data }) => JSON.parse(data) as EndpointHealth,
      ),
  };
}

function parseData<T>(row: unknown): T | undefined {
  return row === undefined ? undefined : (JSON.parse((row as { data: string }).data) as T);
}
