import type Database from 'libsql';
import type { JobId } from '#shared/core/ids.ts';
import type { Job, JobProgress } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import { createOutboxInsert } from './outbox-rows.ts';

/** Puts rows back into the queue; those that are to be cancelled stay out of it. */
const GIVE_BACK =
  "UPDATE jobs SET status = 'starting', started_at = NULL, lease_expires_at = NULL, progress = NULL, " +
  'waiting = (cancel_requested_at IS NULL)';

/** Claims, leases and starts; each function must run inside a transaction. */
export function createJobQueue(db: Database.Database, getJob: (id: JobId) => Job | undefined) {
  const addOutbox = createOutboxInsert(db);
  const giveBackExpired = db.prepare(`${GIVE_BACK} WHERE lease_expires_at <= ?`);
  const giveBackAll = db.prepare(`${GIVE_BACK} WHERE lease_expires_at IS NOT NULL`);
  const giveBackOne = db.prepare(
    `${GIVE_BACK}, refusals = refusals + ? WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL`,
  );
  const selectNext = db.prepare(
    'SELECT id, rank FROM jobs WHERE model = ? AND waiting = 1 ORDER BY rank, id LIMIT 1',
  );
  const claim = db.prepare(
    'UPDATE jobs SET waiting = 0, attempts = attempts + 1, lease_expires_at = ? WHERE id = ?',
  );
  const advance = db.prepare(
    "INSERT INTO ranks (model, account, rank) VALUES (?, '', ?) " +
      'ON CONFLICT (model, account) DO UPDATE SET rank = max(rank, excluded.rank)',
  );
  const renew = db.prepare(
    'UPDATE jobs SET lease_expires_at = ? ' +
      'WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL',
  );
  const start = db.prepare(
    "UPDATE jobs SET status = 'processing', started_at = ?, progress = ? " +
      "WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL AND status = 'starting'",
  );
  const attach = db.prepare(
    'UPDATE jobs SET attach_by = ?1, ' +
      'due_at = min(deadline, ?1, coalesce(cancel_requested_at, deadline)) ' +
      'WHERE id = ?2 AND attach_by < ?1 AND completed_at IS NULL',
  );
  const note = db.prepare(
    'UPDATE jobs SET progress = ? WHERE id = ? AND attempts = ? AND lease_expires_at IS NOT NULL ' +
      "AND status = 'processing' AND coalesce(progress ->> 'imagesDone', 0) < ?",
  );

  const changed = (id: JobId, changes: number, outbox: readonly OutboxEntry[] = []) => {
    if (changes > 0) for (const entry of outbox) addOutbox(entry);
    return { changed: changes > 0, job: getJob(id) };
  };

  return {
    claimNext(model: string, now: number, leaseMs: number): Job | undefined {
      giveBackExpired.run(now);
      const next = selectNext.get(model) as { id: JobId; rank: number } | undefined;
      if (next === undefined) return undefined;
      claim.run(now + leaseMs, next.id);
      advance.run(model, next.rank);
      return getJob(next.id);
    },
    renewLease: (id: JobId, token: number, expiresAt: number) =>
      changed(id, renew.run(expiresAt, id, token).changes),
    giveBack: (id: JobId, token: number, refused = false) =>
      changed(id, giveBackOne.run(Number(refused), id, token).changes),
    giveBackAll: (): number => giveBackAll.run().changes,
    markStarted: (
      id: JobId,
      token: number,
      { startedAt, progress }: Parameters<JobStore['markStarted']>[2],
      outbox: readonly OutboxEntry[],
    ) => {
      const noted = progress === undefined ? null : JSON.stringify(progress);
      return changed(id, start.run(startedAt, noted, id, token).changes, outbox);
    },
    noteProgress: (
      id: JobId,
      token: number,
      progress: JobProgress,
      outbox: readonly OutboxEntry[],
    ) => {
      const { changes } = note.run(JSON.stringify(progress), id, token, progress.imagesDone);
      return changed(id, changes, outbox);
    },
    extendAttach(id: JobId, attachBy: number): void {
      attach.run(attachBy, id);
    },
  };
}
