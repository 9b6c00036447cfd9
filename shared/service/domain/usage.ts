import { toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';

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

const PAGE = 1000;
const NOTHING: UsageSums = { jobs: 0, images: 0, amount: ZERO_USD };

/** What was captured, grouped. Read from the ledger's own entries, so that it sums to the ledger. */
export async function readUsage(
  ledger: Pick<Ledger, 'entries'>,
  query: UsageQuery,
): Promise<Usage> {
  const rows = new Map<string, UsageRow>();
  let total = NOTHING;
  for await (const entry of captures(ledger, query)) {
    const group = Object.fromEntries(query.by.map((by) => [by, groupValue(entry, by)]));
    const name = JSON.stringify(Object.values(group));
    rows.set(name, { group, ...add(rows.get(name) ?? NOTHING, entry) });
    total = add(total, entry);
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { rows: sorted.map(([, row]) => row), total };
}

async function* captures(
  ledger: Pick<Ledger, 'entries'>,
  { account, from, to }: UsageQuery,
): AsyncGenerator<LedgerEntry> {
  let before: string | undefined;
  for (;;) {
    const page = await ledger.entries({
      account,
      from,
      to,
      limit: PAGE,
      ...defined({ before }),
    });
    yield* page.filter(({ kind }) => kind === 'capture');
    before = page.at(-1)?.id;
    if (page.length < PAGE || before === undefined) return;
  }
}

function groupValue(entry: LedgerEntry, by: UsageGroup): string {
  if (by === 'day') return toIso(entry.at).slice(0, 10);
  if (by === 'key') return entry.key ?? '';
  if (by === 'model') return entry.model ?? '';
  return entry.tags?.[by.slice('tag:'.length)] ?? '';
}

function add(sums: UsageSums, entry: LedgerEntry): UsageSums {
  return {
    jobs: sums.jobs + 1,
    images: sums.images + (entry.images ?? 0),
    amount: addUsd(sums.amount, entry.amount),
  };
}
