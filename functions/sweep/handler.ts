import type { OnWebhooks } from '#shared/adapters/aws/aws-system.ts';
import type { JsonLog } from '#shared/adapters/aws/json-log.ts';
import type { Wake } from '#shared/adapters/aws/wake-queue.ts';
import type { CarryWebhooks } from '#shared/adapters/aws/webhook-carrier.ts';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal } from '#shared/core/job.ts';
import { ledgerDifference } from '#shared/core/ledger.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { AccountEraser } from '#shared/service/domain/account-deletion.ts';
import type { SettlementService } from '#shared/service/domain/settlement.ts';
import type { JobMarks } from '#shared/service/domain/stored-marks.ts';
import type { SweepService } from '#shared/service/domain/sweep.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';

export interface SweepHandlerDeps {
  readonly createSettlement: (onWebhooks: OnWebhooks) => SettlementService;
  readonly createSweep: (settlement: SettlementService) => SweepService;
  /** How far a job's run has come, as it has left it in storage. */
  readonly readMarks: (job: JobId) => Promise<JobMarks | undefined>;
  /** Open jobs that were handed over. */
  readonly listLeasedJobs: () => Promise<readonly JobId[]>;
  /** Wakes endpoints that have orders, and takes the instances of idle ones away. */
  readonly tendEndpoints: () => Promise<void>;
  /** Tells accounts of their events; returns the entries written. */
  readonly tellAccounts: () => Promise<readonly OutboxEntry[]>;
  /** Waits for the payments whose settling the sweep has begun. */
  readonly settlePayments: () => Promise<void>;
  /** Goes on with the deletion of accounts. */
  readonly eraseAccounts: AccountEraser;
  readonly outbox: Pick<Outbox, 'claimDue'>;
  readonly ledger: Pick<Ledger, 'totals'>;
  readonly carryWebhooks: CarryWebhooks;
  readonly wakeDispatcher: Wake;
  readonly clock: Clock;
  readonly log: Pick<JsonLog, 'event' | 'error'>;
}

/** Entries younger than this are already on their way, carried by the function that wrote them. */
const CARRIED_MS = 15_000;
/** How long a carried entry is not carried again: longer than a message waits in its queue. */
const HIDE_MS = 10 * 60_000;
const WEBHOOKS_AT_ONCE = 500;

/** Whether the ledger's sums are compared now: once an hour, since that reads every account. */
export const isAuditDue = (now: number): boolean => new Date(now).getUTCMinutes() === 0;

/** What one sweep did. */
export interface SweepCounts {
  readonly reconciled: number;
  readonly settled: number;
  readonly expiredCredits: number;
  readonly removed: number;
  readonly forgotten: number;
  readonly carried: number;
}

/** Runs each minute. When one part fails, the others still run; the run then fails at its end. */
export function createSweepHandler(deps: SweepHandlerDeps) {
  const { clock, log } = deps;

  const reconcileLeased = async (settlement: SettlementService): Promise<number> => {
    let reconciled = 0;
    for (const id of await deps.listLeasedJobs()) {
      const job = await settlement.reconcile(id);
      if (job !== undefined && isTerminal(job.status)) reconciled++;
      else if (job?.webhook !== undefined) await noteProgress(settlement, id);
    }
    return reconciled;
  };

  /** For the webhooks of jobs without a poller: their marks are read here or not at all. */
  const noteProgress = async (settlement: SettlementService, id: JobId): Promise<void> => {
    const marks = await deps.readMarks(id);
    if (marks === undefined) return;
    await settlement.applyStart(id, marks.startedAt, marks.imagesDone);
    await settlement.applyProgress(id, marks.imagesDone);
  };

  const carryDue = async (now: number, written: readonly OutboxEntry[]): Promise<number> => {
    const due = await deps.outbox.claimDue(now - CARRIED_MS, now + HIDE_MS, WEBHOOKS_AT_ONCE);
    await deps.carryWebhooks([...due, ...written]);
    return due.length + written.length;
  };

  const auditLedger = async (now: number): Promise<void> => {
    if (!isAuditDue(now)) return;
    const difference = ledgerDifference(await deps.ledger.totals());
    if (difference !== 0) log.event('ledger-mismatch', { differenceMicroUsd: difference });
  };

  return async (): Promise<SweepCounts> => {
    const now = clock.now();
    const failures: unknown[] = [];
    const webhooks: OutboxEntry[] = [];
    const settlement = deps.createSettlement((written) => webhooks.push(...written));
    const part = async <T>(what: string, none: T, act: () => Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        log.error(error, what);
        failures.push(error);
        return none;
      }
    };
    const reconciled = await part('reconciling', 0, () => reconcileLeased(settlement));
    const nothing = { settled: 0, expiredCredits: 0, removed: 0, forgotten: 0 };
    const swept = await part('sweeping', nothing, () => deps.createSweep(settlement).sweep(now));
    await part('erasing accounts', 0, () => deps.eraseAccounts(settlement, now));
    await part('tending endpoints', undefined, () => deps.tendEndpoints());
    const told = await part('telling accounts', [], () => deps.tellAccounts());
    webhooks.push(...told);
    const carried = await part('carrying webhooks', 0, () => carryDue(now, webhooks));
    await part('auditing the ledger', undefined, () => auditLedger(now));
    await deps.wakeDispatcher();
    await part('settling payments', undefined, () => deps.settlePayments());
    const counts = { reconciled, ...swept, carried };
    log.event('swept', counts);
    if (failures.length > 0) throw new AggregateError(failures, 'A part of the sweep failed');
    return counts;
  };
}
