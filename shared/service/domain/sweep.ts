import { isMade, isTerminal, type Job, latestEndOf } from '#shared/core/job.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Records } from '#shared/service/ports/records.ts';
import { isRunPastCancelAfter } from './cancel-allowance.ts';
import { LEDGER_MS } from './ledger-pages.ts';
import type { SettlementService } from './settlement.ts';

/** How long an ended preview's input and output are kept. */
const PREVIEW_RETENTION_MS = 10 * 60_000;

export interface SweepSettings {
  /** How long after its deadline or cancellation a running job's own completion is waited for. */
  readonly graceMs: number;
  /** How many running jobs of an account are stopped in an hour, by its requests or by `Cancel-After`. */
  readonly runningCancelsPerHour: number;
  /** How long an ended job's input and output are kept. */
  readonly retentionMs: number;
  /** How long its record is kept, and those of its webhooks, where `records` are there to be removed. */
  readonly recordMs?: number;
  /** How many rows are read at a time. */
  readonly limit: number;
}

export interface SweepDeps {
  readonly jobs: Pick<JobStore, 'listOverdue' | 'listRemovable'>;
  readonly ledger: Pick<Ledger, 'expireCredits'>;
  /** Absent where the store forgets by itself. */
  readonly records?: Records;
  readonly queue: Pick<InferenceQueue, 'cancel'>;
  readonly settlement: Pick<
    SettlementService,
    'cancelJob' | 'settleFromStorage' | 'removeJobData' | 'reconcile'
  >;
  readonly settings: SweepSettings;
  /** Called when one row fails; the sweep continues with the next. */
  readonly onError: (error: unknown, what: string) => void;
}

export interface SweepReport {
  readonly settled: number;
  readonly expiredCredits: number;
  readonly removed: number;
  /** Records of predictions and webhooks, and entries of the ledger that others stand for. */
  readonly forgotten: number;
}

/** Rows of each kind that one transaction removes, and such transactions in one sweep. */
const RECORDS_AT_ONCE = 100;
const RECORD_PAGES = 50;

/**
 * Repairs what got lost: ends jobs past their deadline from what is in storage, cancels those that are
 * no longer waited for, expires credits and erases old data. Meant to run at least every minute.
 */
export function createSweep(deps: SweepDeps) {
  const { jobs, ledger, queue, settlement, settings } = deps;

  const endOverdue = async (job: Job, now: number): Promise<boolean> => {
    if (isMade(job)) {
      const after = await settlement.reconcile(job.id);
      return after !== undefined && isTerminal(after.status);
    }
    const running = job.lease !== undefined && job.lease.expiresAt > now;
    const pastDeadline = job.deadline <= now;
    // To stop a run costs the machine: its own `Cancel-After` counts as its client's wish does.
    const mayRunOn = running && isRunPastCancelAfter(job, now) && latestEndOf(job) > now;
    const endBy = running ? latestEndOf(job) : job.deadline;
    const since = Math.min(
      job.cancelRequestedAt ?? Number.POSITIVE_INFINITY,
      pastDeadline && !mayRunOn ? endBy : Number.POSITIVE_INFINITY,
    );
    if (since === Number.POSITIVE_INFINITY) {
      const ended = mayRunOn
        ? await settlement.cancelJob(job.id, settings.runningCancelsPerHour, 'cancel-after')
        : // Only `attachBy` has passed: the answer is no longer waited for.
          await settlement.cancelJob(job.id);
      return ended !== undefined && isTerminal(ended.status);
    }
    if (job.lease !== undefined) await queue.cancel(job.id);
    if (running && since + settings.graceMs > now) return false;
    const canceled = job.cancelRequestedAt !== undefined || job.cancelAtDeadline === true;
    const ended = await settlement.settleFromStorage(
      job,
      canceled ? 'canceled' : 'deadline-exceeded',
    );
    return ended !== undefined;
  };

  /** Takes on page after page until there is no more, or nothing of a page could be done. */
  const drain = async <T>(
    what: string,
    readPage: () => Promise<readonly T[]>,
    act: (row: T) => Promise<boolean>,
  ): Promise<number> => {
    for (let total = 0; ; ) {
      const rows = await readPage();
      let done = 0;
      for (const row of rows) {
        try {
          if (await act(row)) done++;
        } catch (error) {
          deps.onError(error, what);
        }
      }
      total += done;
      if (rows.length < settings.limit || done === 0) return total;
    }
  };

  /** So much at a time that nobody waits, and so often that a great backlog takes hours. */
  const inPages = async (what: string, act: () => Promise<number> | undefined) => {
    let total = 0;
    try {
      for (let page = 0; page < RECORD_PAGES; page++) {
        const done = (await act()) ?? 0;
        total += done;
        if (done === 0) break;
      }
    } catch (error) {
      deps.onError(error, what);
    }
    return total;
  };

  const forget = async (steady: number, recordMs: number): Promise<number> => {
    const { records } = deps;
    const removed = await inPages('old records', () =>
      records?.removeBefore(steady - recordMs, RECORDS_AT_ONCE),
    );
    const compacted = await inPages('old months of the ledger', () =>
      records?.compactLedger(steady - LEDGER_MS, RECORDS_AT_ONCE),
    );
    return removed + compacted;
  };

  return {
    /**
     * @param now milliseconds since the Unix epoch
     * @param steady the time for what can't be undone: expired credit and erased data
     */
    async sweep(now: number, steady = now): Promise<SweepReport> {
      const { limit } = settings;
      const settled = await drain(
        'overdue job',
        () => jobs.listOverdue(now, limit),
        (job) => endOverdue(job, now),
      );
      const expiredCredits = await drain(
        'expired credit',
        () => ledger.expireCredits(steady, limit),
        async () => true,
      );
      const removeBefore = (time: number, which: 'kept' | 'previews') =>
        drain(
          'old data',
          () => jobs.listRemovable(time, limit, which),
          async ({ id }) => {
            await settlement.removeJobData(id);
            return true;
          },
        );
      const kept = await removeBefore(steady - settings.retentionMs, 'kept');
      const previews = await removeBefore(steady - PREVIEW_RETENTION_MS, 'previews');
      const forgotten =
        settings.recordMs === undefined ? 0 : await forget(steady, settings.recordMs);
      return { settled, expiredCredits, removed: kept + previews, forgotten };
    },
  };
}

export type SweepService = ReturnType<typeof createSweep>;
