import type { Account } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { Item, Write } from './dynamo-table.ts';
import { type GrantLeft, nextExpiry } from './grants-left.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { sortable } from './table-schema.ts';

/** An account with its money and its totals. */
export interface AccountItem extends Item {
  readonly id: Account['id'];
  readonly name: string;
  readonly createdAt: number;
  readonly disabledAt?: number;
  readonly deletedAt?: number;
  readonly erasedAt?: number;
  readonly balance: MicroUsd;
  readonly held: MicroUsd;
  readonly granted: MicroUsd;
  readonly captured: MicroUsd;
  readonly expired: MicroUsd;
  /** Absent where nothing was. */
  readonly reversed?: MicroUsd;
  /** How much of `captured` the sums by day have; what was captured before there were any is not in them. */
  readonly summed?: MicroUsd;
  /** The first day whose sums are whole, and what was captured and not summed when that was found. */
  readonly sumsFrom?: string;
  readonly unsummed?: MicroUsd;
  /** Absent where nothing is: then whoever adds to the balance need not know more. */
  readonly owed?: MicroUsd;
  /** Credit that expires, that which expires first; see `changePurse`. */
  readonly grants: readonly GrantLeft[];
  /** When the first of the grants expires that have items of their own; the rest of the balance lasts. */
  readonly laterFrom?: number;
  /** Grows with each change of grants: a change decided from an older reading is refused. */
  readonly grantsVersion: number;
}

export function toAccount(item: AccountItem): Account {
  const { id, name, createdAt, balance, held, disabledAt, deletedAt, erasedAt, owed } = item;
  return {
    ...{ id, name, createdAt, balance, held },
    ...defined({ disabledAt, deletedAt, erasedAt, owed }),
  };
}

/** What becomes of an account's list of grants. */
export interface GrantsChange {
  readonly read: AccountItem;
  readonly grants: readonly GrantLeft[];
  readonly laterFrom: number | undefined;
}

/** What an account owes after a change that was decided from what it owed before. */
export interface OwedChange {
  readonly before: MicroUsd | undefined;
  readonly after: MicroUsd;
  /** The balance that the change was decided from, where it matters. */
  readonly balance?: MicroUsd;
}

type Total = 'balance' | 'held' | 'granted' | 'captured' | 'expired' | 'reversed' | 'summed';
/** Totals that older accounts don't have. */
const YOUNG = ['reversed', 'summed'] as const;

/**
 * A change of an account's money. Sums are added where they lie. A change that says what becomes of
 * the grants holds only while they are as they were read; where they stay the same, as they do for
 * credit that lasts, their version does too, and writers side by side don't refuse each other. A change that
 * adds to the balance says what becomes of what is owed.
 */
export function moveMoney(
  account: Account['id'],
  totals: Partial<Record<Total, number>>,
  change?: GrantsChange,
  debt?: OwedChange,
): Extract<Write, { update: unknown }> {
  const set: string[] = [];
  const conditions = ['attribute_exists(pk)'];
  const values: Record<string, unknown> = {};
  const add: string[] = [];
  for (const [name, amount] of Object.entries(totals)) {
    values[`:${name}`] = amount;
    if (YOUNG.some((young) => young === name)) {
      add.push(`${name} :${name}`);
      continue;
    }
    set.push(`#${name} = #${name} + :${name}`);
    if (amount < 0) {
      conditions.push(`#${name} >= :${name}Needed`);
      values[`:${name}Needed`] = -amount;
    }
  }
  const remove: string[] = [];
  const put = (name: string, value: unknown): void => {
    if (value === undefined) remove.push(name);
    else {
      set.push(`${name} = :${name}`);
      values[`:${name}`] = value;
    }
  };
  if (debt !== undefined) {
    if (debt.before === undefined) conditions.push('attribute_not_exists(owed)');
    else {
      conditions.push('owed = :readOwed');
      values[':readOwed'] = debt.before;
    }
    if (debt.balance !== undefined) {
      conditions.push('balance = :readBalance');
      values[':readBalance'] = debt.balance;
    }
    if (debt.after !== (debt.before ?? 0)) put('owed', debt.after === 0 ? undefined : debt.after);
  }
  if (change !== undefined) {
    conditions.push('grantsVersion = :readVersion');
    values[':readVersion'] = change.read.grantsVersion;
  }
  if (change !== undefined && change.grants !== change.read.grants) {
    const next = nextExpiry(change.grants, change.laterFrom);
    put('grants', change.grants);
    put('grantsVersion', change.read.grantsVersion + 1);
    put('laterFrom', change.laterFrom);
    put('duePk', next && indexKeys.expiringCredit);
    put('dueSk', next && `${sortable(next)}#${account}`);
  }
  const parts = [
    `SET ${set.join(', ')}`,
    remove.length > 0 && `REMOVE ${remove.join(', ')}`,
    add.length > 0 && `ADD ${add.join(', ')}`,
  ];
  return {
    update: itemKeys.account(account),
    expression: parts.filter(Boolean).join(' '),
    condition: conditions.join(' AND '),
    values,
  };
}
