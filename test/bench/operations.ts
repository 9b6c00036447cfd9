import { createMetrics } from '#shared/adapters/metrics/metrics.ts';
import type { SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import { LEDGER_MS } from '#shared/service/domain/ledger-pages.ts';
import { createStatements, monthOf } from '#shared/service/domain/statement.ts';
import { readUsage } from '#shared/service/domain/usage.ts';
import { ACCOUNT, DAY, HOUR } from '#test/helpers/samples.ts';

/** As the sender asks, with deliveries of the account under way or not; hidden for no time, so that each look finds the same. */
const LANES = { each: 4, full: [] };
const FULL = { each: 4, full: [ACCOUNT] };

export type Operation = readonly [name: string, run: () => Promise<unknown>];

/** What is read of an account and its predictions, and what the sweep asks and removes. */
export async function operationsOf(
  stores: Omit<SqliteStores, 'close'>,
  now: number,
  images: number,
): Promise<readonly Operation[]> {
  const { jobs, ledger, outbox, records } = stores;
  const [newest] = await jobs.list({ account: ACCOUNT, limit: 1 });
  if (newest === undefined) throw new Error('there is no prediction');
  const tag = { name: 'team', value: 'nobody' };
  const month = { account: ACCOUNT, from: now - 30 * DAY, to: now + DAY, now };
  const metrics = createMetrics(stores);
  const statements = createStatements({ ledger, clock: { now: () => now } });
  const list = (age: number) =>
    jobs.list({
      account: ACCOUNT,
      limit: 100,
      createdBefore: now - age,
      createdAfter: now - age - DAY,
    });
  return [
    ['get a prediction', () => jobs.get(newest.id)],
    ['list 100', () => jobs.list({ account: ACCOUNT, limit: 100 })],
    ['list 100 by a tag that none has', () => jobs.list({ account: ACCOUNT, limit: 100, tag })],
    ['list 100 of three months ago', () => list(80 * DAY)],
    ['webhooks: due, of one with room', () => outbox.claimDue(now, now, 50, LANES)],
    ['webhooks: due, while one has no room', () => outbox.claimDue(now, now, 50, FULL)],
    ['webhooks: list 100', () => outbox.listByAccount(ACCOUNT, 100)],
    ['ledger: 100 entries', () => ledger.entries({ account: ACCOUNT, limit: 100 })],
    ['ledger: totals', () => ledger.totals()],
    ['accounts', () => ledger.listAccounts()],
    ['metrics', () => metrics.text()],
    [`usage of ${images * 30} images`, () => readUsage(ledger, { ...month, by: ['day'] })],
    ['statement of a month', () => statements.read(ACCOUNT, monthOf('2026-11'))],
    ['sweep: overdue', () => jobs.listOverdue(now, 200)],
    ['sweep: to erase', () => jobs.listRemovable(now - 7 * DAY, 200, 'kept')],
    ['sweep: old records', () => records.removeBefore(now - 90 * DAY + HOUR, 100)],
    ['sweep: old months', () => records.compactLedger(now - LEDGER_MS, 100)],
    ['expired credit', () => ledger.expireCredits(now, 200)],
    ['depth of the queue', () => jobs.queueDepth()],
  ];
}
