import type { AuditEntry } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import { isMade, isTerminal, type Job } from '#shared/core/job.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import {
  endedPayment,
  type JobPayment,
  type MadeWork,
  paymentReference,
} from '#shared/core/payment.ts';
import { factsOf } from '#shared/service/domain/job-ledger.ts';
import {
  isSettleable,
  type Settlement,
  type SettlingNote,
} from '#shared/service/ports/job-store.ts';

/** The job with what its run has made kept back; undefined when it is not as `from` says. */
export function withMade(
  job: Job,
  from: Settlement['from'],
  made: MadeWork,
  at: number,
): Job | undefined {
  if (job.payment === undefined || !isSettleable(job, from)) return undefined;
  const { lease: _, progress: __, ...rest } = job;
  return {
    ...rest,
    status: 'processing',
    startedAt: job.startedAt ?? at,
    payment: { ...job.payment, made, nextAt: at },
  };
}

/** The job with a note on the settling of its payment; undefined when it is not at `attempts`. */
export function withSettling(job: Job, attempts: number, note: SettlingNote): Job | undefined {
  const { payment } = job;
  if (!isMade(job) || payment?.attempts !== attempts) return undefined;
  const { nextAt, turnEndsAt, wasRefused = false } = note;
  const noted: JobPayment = { ...payment, nextAt, ...defined({ turnEndsAt }) };
  if (wasRefused) return { ...job, payment: { ...noted, refusals: (noted.refusals ?? 0) + 1 } };
  if (!note.isNew) return { ...job, payment: noted };
  // The first attempt's: the transfer may be in any block since.
  const fromBlock = payment.fromBlock ?? note.fromBlock;
  return {
    ...job,
    payment: { ...noted, state: 'settling', attempts: attempts + 1, ...defined({ fromBlock }) },
  };
}

/** The payment as a settlement leaves it; undefined for a job without one. */
export function paymentAfter(job: Job, settlement: Settlement): JobPayment | undefined {
  if (job.payment === undefined) return undefined;
  const end = settlement.payment;
  if (end === undefined) {
    assert(settlement.capture === 0, `job ${job.id} captures what was not paid`);
    return endedPayment(job.payment, { state: 'released' });
  }
  if (end.state === 'unsettled') {
    return endedPayment(job.payment, { state: 'unsettled', failure: end.failure });
  }
  assert(settlement.capture === job.payment.amount, `job ${job.id} captures what was paid`);
  return endedPayment(job.payment, { state: 'settled', transaction: end.transaction });
}

/** The ledger's lines of a payment that has settled, before the job's capture. */
export interface PaidEntries {
  readonly reference: string;
  readonly grant: LedgerEntry;
  readonly hold: LedgerEntry;
  readonly audit: AuditEntry;
}

/** Money that came in and is spent at once: a grant, and the hold that the capture ends. */
export function paidEntries(job: Job, settlement: Settlement): PaidEntries | undefined {
  const { payment: end, completedAt: at } = settlement;
  if (job.payment === undefined || end?.state !== 'settled') return undefined;
  const { account } = job;
  const { amount } = job.payment;
  const reference = paymentReference(job.payment);
  const note = `transaction ${end.transaction}`;
  return {
    reference,
    grant: { id: end.grantEntryId, account, kind: 'grant', at, amount, reference, note },
    hold: { ...factsOf(job), id: end.holdEntryId, kind: 'hold', at, amount },
    audit: {
      id: end.auditId,
      at,
      account,
      actor: 'system',
      action: 'credit-granted',
      subject: reference,
      details: { amount, entry: end.grantEntryId, transaction: end.transaction },
    },
  };
}

/** Whether the payment of an ended job was paid. */
export function isPaid(job: Job): boolean {
  return isTerminal(job.status) && job.payment?.state === 'settled';
}
