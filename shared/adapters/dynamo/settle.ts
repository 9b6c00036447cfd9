import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { payOwed } from '#shared/core/ledger.ts';
import { addUsd, subtractUsd, ZERO_USD } from '#shared/core/money.ts';
import { endEntry } from '#shared/service/domain/job-ledger.ts';
import { paidEntries, paymentAfter } from '#shared/service/domain/payments/job-payment.ts';
import {
  type ChangeResult,
  isSettleable,
  type Settlement,
} from '#shared/service/ports/job-store.ts';
import { type AccountItem, moveMoney } from './account-item.ts';
import { countWrites } from './admit.ts';
import type { ExpiryDeps } from './credit-expiry.ts';
import { deliveryWrites } from './delivery-item.ts';
import type { DynamoTable, Write } from './dynamo-table.ts';
import { drawGrants, withGrant } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { type JobItem, readJobItem, replaceJob } from './job-item.ts';
import { auditWrite, ledgerWrite } from './ledger-item.ts';
import { changePurse } from './purse.ts';
import { endUnpaidWork } from './unpaid-work.ts';
import { usageWrites } from './usage-days.ts';

/** See `JobStore.settle`: one transaction, from a reading that its conditions repeat. */
export async function settle(deps: ExpiryDeps, settlement: Settlement): Promise<ChangeResult> {
  const { table } = deps;
  for (;;) {
    const item = await readJobItem(table, settlement.job);
    if (item === undefined) return { changed: false, job: undefined };
    if (!isSettleable(item.job, settlement.from)) return { changed: false, job: item.job };
    const job = ended(item.job, settlement);
    const writes = [
      replaceJob(item, job),
      ...(await (job.payment === undefined
        ? heldWrites(deps, item, settlement)
        : paidWrites(table, item.job, settlement))),
      ...countWrites(job, -1),
      ...(await deliveryWrites(table, settlement.outbox)),
    ];
    if (await table.write(writes)) return { changed: true, job };
  }
}

/** The end of a hold: a capture of it or of a part, or its release. */
async function heldWrites(
  deps: ExpiryDeps,
  item: JobItem,
  settlement: Settlement,
): Promise<readonly Write[]> {
  const { job } = item;
  assert(settlement.capture <= job.hold, 'a capture is never above its hold');
  const rest = job.hold - settlement.capture;
  const entry = endEntry(job, settlement);
  return [
    ...(await moneyWrites(deps, item, settlement)),
    ledgerWrite(entry),
    ...usageWrites(entry),
    ...(rest === 0
      ? []
      : [unspendWrite(job, job.budgetDay, rest), unspendWrite(job, job.budgetMonth, rest)]),
  ];
}

/** The end of a payment. Where none came, the ledger has nothing to say. */
async function paidWrites(
  table: DynamoTable,
  job: Job,
  settlement: Settlement,
): Promise<readonly Write[]> {
  const { payment } = job;
  assert(payment !== undefined, `job ${job.id} has a payment`);
  const isUnpaid = settlement.payment?.state === 'unsettled';
  const counts = await endUnpaidWork(table, payment, settlement.completedAt, isUnpaid);
  const paid = paidEntries(job, settlement);
  if (paid === undefined) return counts;
  const { amount } = payment;
  const entry = endEntry(job, settlement);
  return [
    ...counts,
    {
      // Keeps the payment from being granted twice.
      put: { ...itemKeys.grant(paid.reference), entry: paid.grant },
      condition: 'attribute_not_exists(pk)',
    },
    moveMoney(job.account, { granted: amount, captured: amount, summed: amount }),
    ledgerWrite(paid.grant),
    ledgerWrite(paid.hold),
    ledgerWrite(entry),
    ...usageWrites(entry),
    auditWrite(paid.audit),
  ];
}

function ended(job: Job, settlement: Settlement): Job {
  const { lease: _, progress: __, ...rest } = job;
  const { receipt, error } = settlement;
  return {
    ...rest,
    status: settlement.status,
    completedAt: settlement.completedAt,
    cost: settlement.capture,
    images: settlement.images,
    warnings: settlement.warnings,
    ...defined({ receipt, error, payment: paymentAfter(job, settlement) }),
  };
}

/** What is not captured goes back to where the hold took it; what expires first is spent first. */
async function moneyWrites(
  { table, grantsInAccount }: ExpiryDeps,
  { job, sources }: JobItem,
  { capture }: Settlement,
): Promise<readonly Write[]> {
  const rest = subtractUsd(job.hold, capture);
  const sums = { held: -job.hold, captured: capture, summed: capture };
  if (rest === 0) return [moveMoney(job.account, sums)];
  const read = (await table.get(itemKeys.account(job.account))) as AccountItem | undefined;
  assert(read !== undefined, `a job's account is there`);
  const { paid, left } = payOwed(rest, read.owed);
  const debt = { before: read.owed, after: subtractUsd(read.owed ?? ZERO_USD, paid) };
  // What pays a debt is spent, as what was captured is.
  const { left: unspent } = drawGrants(sources, addUsd(capture, paid));
  const back = { ...sums, balance: left };
  if (unspent.length === 0) return [moveMoney(job.account, back, undefined, debt)];
  const change = changePurse(read, unspent.reduce(withGrant, read.grants), grantsInAccount);
  return [moveMoney(job.account, back, change, debt), ...change.moved];
}

/** Gives a key's budget back what was held and not captured. */
function unspendWrite(job: Job, window: string, rest: number): Write {
  return {
    update: itemKeys.spend(budgetKeyOfJob(job), window),
    expression: 'ADD spent :change',
    values: { ':change': -rest },
  };
}
