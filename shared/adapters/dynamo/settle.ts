import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { endEntry } from '#shared/service/domain/job-ledger.ts';
import {
  type ChangeResult,
  isSettleable,
  type Settlement,
} from '#shared/service/ports/job-store.ts';
import { type AccountItem, moveMoney } from './account-item.ts';
import { countWrites } from './admit.ts';
import type { ExpiryDeps } from './credit-expiry.ts';
import { deliveryWrites } from './delivery-item.ts';
import type { Write } from './dynamo-table.ts';
import { drawGrants, withGrant } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { type JobItem, readJobItem, replaceJob } from './job-item.ts';
import { ledgerWrite } from './ledger-item.ts';
import { changePurse } from './purse.ts';

/** See `JobStore.settle`: one transaction, from a reading that its conditions repeat. */
export async function settle(deps: ExpiryDeps, settlement: Settlement): Promise<ChangeResult> {
  const { table } = deps;
  for (;;) {
    const item = await readJobItem(table, settlement.job);
    if (item === undefined) return { changed: false, job: undefined };
    if (!isSettleable(item.job, settlement.from)) return { changed: false, job: item.job };
    assert(settlement.capture <= item.job.hold, 'a capture is never above its hold');
    const job = ended(item.job, settlement);
    const rest = job.hold - settlement.capture;
    const writes = [
      replaceJob(item, job),
      ...(await moneyWrites(deps, item, settlement)),
      ledgerWrite(endEntry(job, settlement)),
      ...countWrites(job, -1),
      ...(rest === 0
        ? []
        : [unspendWrite(job, job.budgetDay, rest), unspendWrite(job, job.budgetMonth, rest)]),
      ...(await deliveryWrites(table, settlement.outbox)),
    ];
    if (await table.write(writes)) return { changed: true, job };
  }
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
    ...defined({ receipt, error }),
  };
}

/** What is not captured goes back to where the hold took it; what expires first is spent first. */
async function moneyWrites(
  { table, grantsInAccount }: ExpiryDeps,
  { job, sources }: JobItem,
  { capture }: Settlement,
): Promise<readonly Write[]> {
  const sums = { held: -job.hold, balance: job.hold - capture, captured: capture };
  const { left: unspent } = drawGrants(sources, capture);
  if (unspent.length === 0) return [moveMoney(job.account, sums)];
  const read = (await table.get(itemKeys.account(job.account))) as AccountItem | undefined;
  assert(read !== undefined, `a job's account is there`);
  const change = changePurse(read, unspent.reduce(withGrant, read.grants), grantsInAccount);
  return [moveMoney(job.account, sums, change), ...change.moved];
}

/** Gives a key's budget back what was held and not captured. */
function unspendWrite(job: Job, window: string, rest: number): Write {
  return {
    update: itemKeys.spend(budgetKeyOfJob(job), window),
    expression: 'ADD spent :change',
    values: { ':change': -rest },
  };
}
