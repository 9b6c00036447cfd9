import type { LedgerEntry } from '#functions/api/account/account-schema.ts';

/** One line of the statement: all that the ledger has of one prediction, or one other entry. */
export interface StatementRow {
  readonly id: string;
  readonly at: string;
  readonly what: string;
  /** What it did to the balance, in micro-USD. */
  readonly amount: number;
  /** What could be spent after it; below zero while something is owed. */
  readonly balance: number;
  readonly prediction: string | null;
  readonly model: string | null;
  readonly details: string;
}

/**
 * The ledger as people read it: a row for each prediction, with the balance after it. An open one counts with
 * what is held for it.
 *
 * @param entries newest first
 * @param balance what can be spent now, less what is owed
 */
export function statementOf(
  entries: readonly LedgerEntry[],
  balance: number,
): readonly StatementRow[] {
  const rows: StatementRow[] = [];
  const seen = new Set<string>();
  let after = balance;
  for (const entry of entries) {
    const { prediction } = entry;
    // The newest entry of a prediction says how it stands; the hold before it is in that.
    if (prediction !== null && seen.has(prediction)) continue;
    if (prediction !== null) seen.add(prediction);
    const amount = changeOf(entry);
    rows.push({
      id: entry.id,
      at: entry.at,
      what: nameOf(entry),
      amount,
      balance: after,
      prediction,
      model: entry.model,
      details: [entry.note, entry.reference].filter(Boolean).join(', '),
    });
    after -= amount;
  }
  return rows;
}

/** Of kinds that move money out of an account. */
const OUT = new Set<string>(['hold', 'capture', 'expiry', 'reversal']);

function changeOf({ kind, amount }: LedgerEntry): number {
  const name: string = kind;
  if (name === 'release' || name === 'owed') return 0;
  return OUT.has(name) ? -Math.abs(amount) : amount;
}

const NAMES: Readonly<Record<string, string>> = {
  grant: 'Credit added',
  hold: 'In progress',
  release: 'Not charged',
  expiry: 'Credit expired',
  reversal: 'Payment reversed',
  owed: 'Owed: it was spent already',
};

function nameOf({ kind, images }: LedgerEntry): string {
  if (kind !== 'capture') return NAMES[kind] ?? kind;
  if (images === null) return 'Pictures';
  return images === 1 ? '1 picture' : `${images} pictures`;
}
