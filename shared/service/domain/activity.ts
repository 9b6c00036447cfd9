import type { Clock } from '#shared/core/clock.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { addUsd, type MicroUsd, ZERO_USD } from '#shared/core/money.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { ledgerEntries } from './ledger-pages.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** How long ended jobs are kept in sight. */
const RECENT_MS = 10 * MINUTE_MS;
/** How long after its own time an entry may become visible. */
const OVERLAP_MS = MINUTE_MS;

/** What ended within a period. */
export interface EndedSums {
  /** Jobs that were charged, in full or in part. */
  readonly charged: number;
  /** Jobs that cost nothing: failed, or cancelled before their first image. */
  readonly released: number;
  readonly images: number;
  readonly amount: MicroUsd;
}

export interface Activity {
  /** Since midnight, UTC. */
  readonly today: EndedSums;
  readonly lastMinute: EndedSums;
  /** Ends of the last ten minutes, newest first: `capture` and `release` entries. */
  readonly recent: readonly LedgerEntry[];
}

const NOTHING: EndedSums = { charged: 0, released: 0, images: 0, amount: ZERO_USD };

/**
 * Activity of all accounts, from the ledger's own entries, so that it agrees with the ledger. The first
 * look reads the day; each further one reads what came after the last.
 */
export function createActivityReader(deps: {
  readonly ledger: Pick<Ledger, 'entries' | 'listAccounts'>;
  readonly clock: Clock;
}) {
  let day = -1;
  let readUntil = 0;
  let today = NOTHING;
  let recent: LedgerEntry[] = [];
  const seen = new Map<string, number>();
  let pending: Promise<Activity> | undefined;

  const take = (entry: LedgerEntry, midnight: number): void => {
    if (seen.has(entry.id) || (entry.kind !== 'capture' && entry.kind !== 'release')) return;
    seen.set(entry.id, entry.at);
    if (entry.at >= midnight) today = add(today, entry);
    recent.push(entry);
  };

  const look = async (): Promise<Activity> => {
    const now = deps.clock.now();
    const midnight = Math.floor(now / DAY_MS) * DAY_MS;
    if (day !== midnight) {
      [day, today, recent] = [midnight, NOTHING, []];
      seen.clear();
      readUntil = Math.min(midnight, now - RECENT_MS) + OVERLAP_MS;
    }
    const from = readUntil - OVERLAP_MS;
    for (const account of await deps.ledger.listAccounts()) {
      const query = { account: account.id, from };
      for await (const entry of ledgerEntries(deps.ledger, query)) take(entry, midnight);
    }
    readUntil = now;
    for (const [id, at] of seen) if (at < now - 2 * OVERLAP_MS) seen.delete(id);
    recent = recent.filter(({ at }) => at > now - RECENT_MS).sort((a, b) => b.at - a.at);
    return {
      today,
      lastMinute: recent.filter(({ at }) => at > now - MINUTE_MS).reduce(add, NOTHING),
      recent,
    };
  };

  return {
    /** Callers at the same time share one look. */
    read(): Promise<Activity> {
      pending ??= look().finally(() => {
        pending = undefined;
      });
      return pending;
    },
  };
}

function add(sums: EndedSums, { kind, images, amount }: LedgerEntry): EndedSums {
  if (kind === 'release') return { ...sums, released: sums.released + 1 };
  return {
    ...sums,
    charged: sums.charged + 1,
    images: sums.images + (images ?? 0),
    amount: addUsd(sums.amount, amount),
  };
}
