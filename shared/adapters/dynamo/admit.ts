import type { JobId } from '#shared/core/ids.ts';
import { budgetKeyOfJob, type Job } from '#shared/core/job.ts';
import { type MicroUsd, microUsd, ZERO_USD } from '#shared/core/money.ts';
import { holdEntry } from '#shared/service/domain/job-ledger.ts';
import type { Admission, AdmissionResult } from '#shared/service/ports/job-store.ts';
import { type AccountItem, moveMoney } from './account-item.ts';
import { type ExpiryDeps, readAccount } from './credit-expiry.ts';
import { deliveryWrites } from './delivery-item.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { takeRank } from './fair-rank.ts';
import { drawGrants, expiredGrant } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { OPEN_COUNT_SHARDS, openCountShard, readJobItem, toJobItem } from './job-item.ts';
import { ledgerWrite } from './ledger-item.ts';
import { changePurse, hasDueLater, needsRefill, refill } from './purse.ts';
import { takeUnpaidWork } from './unpaid-work.ts';

const DAY_SECONDS = 86_400;
/** Records of spending are read for a month at most, unanswered creates for ten minutes. */
const SPEND_TTL_SECONDS = 40 * DAY_SECONDS;

/**
 * See `JobStore.admit`. Everything is read and judged first, since a refusal should cost no write;
 * the transaction holds the same conditions. When it fails, it is judged again from a new reading:
 * that names the reason, or finds that it has passed.
 */
export async function admit(deps: ExpiryDeps, admission: Admission): Promise<AdmissionResult> {
  const { table } = deps;
  let rank: number | undefined;
  for (;;) {
    const verdict = await judge(deps, admission);
    if ('outcome' in verdict) return verdict;
    if (needsRefill(verdict.account, admission.job.hold)) {
      await refill(table, verdict.account);
      continue;
    }
    rank ??= await takeRank(table, admission.job.account, admission.job.model.name);
    const job: Job = { ...admission.job, rank };
    const writes = await admissionWrites(deps, admission, job, verdict.account);
    if (await table.write([...writes, ...verdict.unpaid])) {
      return { outcome: 'admitted', job };
    }
  }
}

/** The answer that needs no write, or the account that the job can be admitted to. */
async function judge(
  deps: ExpiryDeps,
  admission: Admission,
): Promise<AdmissionResult | { readonly account: AccountItem; readonly unpaid: readonly Write[] }> {
  const { table } = deps;
  const { job, idempotency } = admission;
  const keys = {
    own: itemKeys.job(job.id),
    account: itemKeys.account(job.account),
    day: itemKeys.spend(budgetKeyOfJob(job), job.budgetDay),
    month: itemKeys.spend(budgetKeyOfJob(job), job.budgetMonth),
    open: itemKeys.openCountOf(job.account),
    ...(idempotency && { record: itemKeys.idempotency(idempotency.scope) }),
  };
  const counts = Array.from({ length: OPEN_COUNT_SHARDS }, (_, n) => itemKeys.openCount(n));
  const items = await table.getMany([...Object.values(keys), ...counts]);
  const find = (key: { pk: string; sk: string } | undefined) =>
    items.find((item) => item.pk === key?.pk && item.sk === key.sk);

  const own = find(keys.own);
  // This very admission was written before and its answer got lost.
  if (own !== undefined) return { outcome: 'admitted', job: own['job'] as Job };
  const replay = await judgeRecord(table, admission, find(keys.record));
  if (replay !== undefined) return replay;
  let account = find(keys.account) as AccountItem | undefined;
  if (account !== undefined && isDue(account, job.createdAt)) {
    account = await readAccount(deps, job.account, job.createdAt);
  }
  if (account?.owed !== undefined) return { outcome: 'account-owes', owed: account.owed };
  if (account === undefined || account.balance < job.hold) {
    return { outcome: 'insufficient-funds', balance: account?.balance ?? ZERO_USD };
  }
  const windows = [
    ['day', find(keys.day), admission.dayCap],
    ['month', find(keys.month), admission.monthCap],
  ] as const;
  for (const [window, item, cap] of windows) {
    const spent = microUsd(Number(item?.['spent'] ?? 0));
    if (cap !== undefined && spent + job.hold > cap) {
      return { outcome: 'key-budget-exceeded', window, spent };
    }
  }
  const ownDepth = Number(find(keys.open)?.['count'] ?? 0);
  if (ownDepth >= admission.accountQueueLimit) {
    return { outcome: 'queue-full', depth: ownDepth, of: 'account' };
  }
  const depth = sumOf(items.filter((item) => item.sk === 'COUNT'));
  if (depth >= admission.queueLimit) return { outcome: 'queue-full', depth, of: 'all' };
  if (job.payment === undefined) return { account, unpaid: [] };
  const { payment, createdAt } = job;
  const taken = await takeUnpaidWork(table, payment, createdAt, admission.unpaidLimits);
  return 'refused' in taken
    ? { outcome: 'unpaid-work', of: taken.refused }
    : { account, unpaid: taken.writes };
}

async function judgeRecord(
  table: DynamoTable,
  admission: Admission,
  record: Item | undefined,
): Promise<AdmissionResult | undefined> {
  const { job } = admission;
  if (record === undefined || Number(record['expiresAt']) <= job.createdAt) return undefined;
  const id = record['job'] as JobId;
  if (record['bodyHash'] !== job.bodyHash) return { outcome: 'idempotency-mismatch', job: id };
  const replayed = (await readJobItem(table, id))?.job;
  return replayed === undefined ? undefined : { outcome: 'replayed', job: replayed };
}

function sumOf(counts: readonly Item[]): number {
  return counts.reduce((sum, item) => sum + Number(item['count']), 0);
}

/** Stands for a create whose answer was not written to its end. */
export function unansweredItem(job: Job) {
  return {
    ...itemKeys.unanswered(job.key, job.bodyHash, job.id),
    job: job.id,
    createdAt: job.createdAt,
    ttl: Math.ceil(job.createdAt / 1000) + DAY_SECONDS,
  };
}

function isDue(account: AccountItem, now: number): boolean {
  return expiredGrant(account.grants, now) !== undefined || hasDueLater(account, now);
}

async function admissionWrites(
  { table, grantsInAccount }: ExpiryDeps,
  admission: Admission,
  job: Job,
  account: AccountItem,
): Promise<readonly Write[]> {
  const { idempotency } = admission;
  const isNew = 'attribute_not_exists(pk)';
  const { left, taken } = drawGrants(account.grants, job.hold);
  const change = changePurse(account, left, grantsInAccount);
  return [
    { put: toJobItem(job, { version: 0, token: 0, sources: taken }), condition: isNew },
    // A payer's job holds nothing: it is paid for once it is made.
    ...(job.payment === undefined
      ? [
          moveMoney(job.account, { balance: -job.hold, held: job.hold }, change),
          ...change.moved,
          ledgerWrite(holdEntry(admission)),
          spendWrite(job, job.budgetDay, admission.dayCap),
          spendWrite(job, job.budgetMonth, admission.monthCap),
        ]
      : []),
    ...countWrites(job, 1, admission.accountQueueLimit),
    { put: unansweredItem(job) },
    ...(idempotency === undefined
      ? []
      : [
          {
            put: {
              ...itemKeys.idempotency(idempotency.scope),
              job: job.id,
              bodyHash: job.bodyHash,
              expiresAt: idempotency.expiresAt,
              ttl: Math.ceil(idempotency.expiresAt / 1000),
            },
            condition: `${isNew} OR expiresAt <= :now`,
            values: { ':now': job.createdAt },
          },
        ]),
    ...(await deliveryWrites(table, admission.outbox)),
  ];
}

/** Counts a job's hold against its key's budget of a day or month. */
function spendWrite(job: Job, window: string, cap: MicroUsd | undefined): Write {
  const values = {
    ':hold': job.hold,
    ':ttl': Math.ceil(job.createdAt / 1000) + SPEND_TTL_SECONDS,
  };
  const write = {
    update: itemKeys.spend(budgetKeyOfJob(job), window),
    expression: 'SET #ttl = :ttl ADD spent :hold',
    values,
  };
  if (cap === undefined) return write;
  return {
    ...write,
    condition: 'attribute_not_exists(spent) OR spent <= :room',
    values: { ...values, ':room': cap - job.hold },
  };
}

/**
 * Counts a job in or out of the open ones, of all and of its account.
 *
 * @param accountLimit refuses the write when the account has so many; the count of all, which is kept in
 *   shards, can't be asked in a condition
 */
export function countWrites(
  job: Pick<Job, 'id' | 'account'>,
  change: 1 | -1,
  accountLimit?: number,
): readonly Write[] {
  const expression = 'ADD #count :change';
  const values = { ':change': change };
  const ofAll = { update: itemKeys.openCount(openCountShard(job)), expression, values };
  const own = { update: itemKeys.openCountOf(job.account), expression };
  if (accountLimit === undefined) return [ofAll, { ...own, values }];
  const condition = 'attribute_not_exists(#count) OR #count < :limit';
  return [ofAll, { ...own, condition, values: { ...values, ':limit': accountLimit } }];
}
