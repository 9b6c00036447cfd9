import { toIso } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { ledgerEntries } from './ledger-pages.ts';

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

/** What was captured, grouped. Read from the ledger's own entries, so that it sums to the ledger. */
export async function readUsage(
  ledger: Pick<Ledger, 'entries'>,
  query: UsageQuery,
): Promise<Usage> {
  const rows = new Map<string, UsageRow>();
  let total = NOTHING;
  const { by: groups, ...period } = query;
  for await (const entry of ledgerEntries(ledger, period)) {
    if (entry.kind !== 'capture') continue;
    const group = Object.fromEntries(groups.map((by) => [by, groupValue(entry, by)]));
    const name = JSON.stringify(Object.values(group));
    rows.set(name, { group, ...add(rows.get(name) ?? NOTHING, entry) });
    total = add(total, entry);
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { rows: sorted.map(([, row]) => row), total };
}

function groupValue(entry: LedgerEntry, by: UsageGroup): string {
  if (by === 'day') return toIso(entry.at).slice(0, 10);
  if (by === 'key') return entry.key ?? '';
  if (by === 'model') return entry.model ?? '';
  const name = by.slice('tag:'.length);
  return (Object.hasOwn(entry.tags ?? {}, name) && entry.tags?.[name]) || '';
}

function add(sums: UsageSums, entry: LedgerEntry): UsageSums {
  return {
    jobs: sums.jobs + 1,
    images: sums.images + (entry.images ?? 0),
    amount: addUsd(sums.amount, entry.amount),
  };
}
