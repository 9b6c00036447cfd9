import { toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type UsageOfDay, usageOf } from '#shared/core/ledger.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { LEDGER_MS, ledgerEntries } from './ledger-pages.ts';

export const USAGE_GROUPS = ['day', 'key', 'model'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number] | `tag:${string}`;

export interface UsageQuery {
  readonly account: AccountId;
  /** Milliseconds since the Unix epoch. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** What each row stands for; none makes one row of everything. */
  readonly by: readonly UsageGroup[];
  readonly now: number;
}

export interface UsageSums {
  readonly jobs: number;
  readonly images: number;
  readonly amount: MicroUsd;
}

export interface UsageRow extends UsageSums {
  /** The value of each group: `{ day: "2026-11-23", "tag:team": "" }`; empty where there is none. */
  readonly group: Readonly<Record<string, string>>;
}

export interface Usage {
  readonly rows: readonly UsageRow[];
  readonly total: UsageSums;
}

const NOTHING: UsageSums = { jobs: 0, images: 0, amount: ZERO_USD };
const DAY_MS = 24 * 3_600_000;
const PAGE = 500;
/** More would be sorted and written for so long that others wait. */
const MOST_ROWS = 5000;

/**
 * What was captured, grouped: whole days from the sums that the ledger keeps, parts of days from its entries.
 * Of days whose entries may be compacted no part is told: a period that begins or ends within one has it whole.
 *
 * @throws AppError `invalid-request` when there are more groups than one answer should have
 */
export async function readUsage(
  ledger: Pick<Ledger, 'entries' | 'usage'>,
  query: UsageQuery,
): Promise<Usage> {
  const rows = new Map<string, UsageRow>();
  let total = NOTHING;
  for await (const used of usageWithin(ledger, query)) {
    const group = Object.fromEntries(query.by.map((by) => [by, groupValue(used, by)]));
    const name = JSON.stringify(Object.values(group));
    rows.set(name, { group, ...add(rows.get(name) ?? NOTHING, used) });
    if (rows.size > MOST_ROWS) throw tooManyRows();
    total = add(total, used);
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { rows: sorted.map(([, row]) => row), total };
}

async function* usageWithin(
  ledger: Pick<Ledger, 'entries' | 'usage'>,
  { account, now, ...period }: UsageQuery,
): AsyncGenerator<UsageOfDay> {
  const compacted = now - LEDGER_MS;
  const from = period.from < compacted ? dayBegin(period.from) : period.from;
  // Nothing was charged later than now, so today counts as whole.
  const isUpToNow = period.to >= now || period.to < compacted;
  const to = isUpToNow ? dayEnd(Math.min(period.to, now)) : period.to;
  const [firstWhole, lastWhole] = [dayEnd(from - 1), dayBegin(to)];
  if (firstWhole >= lastWhole) {
    yield* captured(ledger, { account, from, to });
    return;
  }
  if (from < firstWhole) yield* captured(ledger, { account, from, to: firstWhole });
  yield* daysOf(ledger, { account, from: dayOf(firstWhole), to: dayOf(lastWhole) });
  if (lastWhole < to) yield* captured(ledger, { account, from: lastWhole, to });
}

async function* captured(
  ledger: Pick<Ledger, 'entries'>,
  period: Parameters<typeof ledgerEntries>[1],
): AsyncGenerator<UsageOfDay> {
  for await (const entry of ledgerEntries(ledger, period)) {
    if (entry.kind === 'capture') yield usageOf(entry);
  }
}

async function* daysOf(
  ledger: Pick<Ledger, 'usage'>,
  period: { readonly account: AccountId; readonly from: string; readonly to: string },
): AsyncGenerator<UsageOfDay> {
  for (let after: string | undefined; ; ) {
    const page = await ledger.usage({ ...period, limit: PAGE, ...defined({ after }) });
    yield* page.rows;
    after = page.next;
    if (after === undefined) return;
  }
}

const dayBegin = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;
/** The first moment after the day of a time. */
const dayEnd = (at: number): number => dayBegin(at) + DAY_MS;
const dayOf = (at: number): string => toIso(at).slice(0, 10);

function groupValue(used: UsageOfDay, by: UsageGroup): string {
  if (by === 'day' || by === 'key' || by === 'model') return used[by];
  const name = by.slice('tag:'.length);
  return (Object.hasOwn(used.tags, name) && used.tags[name]) || '';
}

function add(sums: UsageSums, used: UsageSums): UsageSums {
  return {
    jobs: sums.jobs + used.jobs,
    images: sums.images + used.images,
    amount: addUsd(sums.amount, used.amount),
  };
}

function tooManyRows(): AppError {
  return new AppError(
    'invalid-request',
    `There are more than ${MOST_ROWS} groups; ask for a shorter period or for fewer groups`,
    { details: { param: 'by' } },
  );
}
