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
  readonly balance: MicroUsd;
  readonly held: MicroUsd;
  readonly granted: MicroUsd;
  readonly captured: MicroUsd;
  readonly expired: MicroUsd;
  /** Credit that expires; the rest of the balance lasts. */
  readonly grants: readonly GrantLeft[];
  /** Grows with each change of `grants`: a change decided from an older reading is refused. */
  readonly grantsVersion: number;
}

export function toAccount(item: AccountItem): Account {
  const { id, name, createdAt, balance, held, disabledAt } = item;
  return {
    ...{ id, name, createdAt, balance, held },
    ...defined({ disabledAt }),
  };
}

type Total = 'balance' | 'held' | 'granted' | 'captured' | 'expired';

/**
 * A change of an account's money. Sums are added where they lie. A change that says what becomes of
 * the grants holds only while they are as they were read; where they stay the same, as they do for
 * credit that lasts, their version does too, and writers side by side don't refuse each other.
 */
export function moveMoney(
  account: Account['id'],
  sums: Partial<Record<Total, number>>,
  grants?: { readonly next: readonly GrantLeft[]; readonly read: AccountItem },
): Extract<Write, { update: unknown }> {
  const set: string[] = [];
  const conditions = ['attribute_exists(pk)'];
  const values: Record<string, unknown> = {};
  for (const [name, amount] of Object.entries(sums)) {
    set.push(`#${name} = #${name} + :${name}`);
    values[`:${name}`] = amount;
    if (amount < 0) {
      conditions.push(`#${name} >= :${name}Needed`);
      values[`:${name}Needed`] = -amount;
    }
  }
  let remove = '';
  if (grants !== undefined) {
    conditions.push('grantsVersion = :readVersion');
    values[':readVersion'] = grants.read.grantsVersion;
  }
  if (grants !== undefined && grants.next !== grants.read.grants) {
    set.push('grants = :grants', 'grantsVersion = grantsVersion + :one');
    values[':grants'] = grants.next;
    values[':one'] = 1;
    const next = nextExpiry(grants.next);
    if (next === undefined) remove = ' REMOVE duePk, dueSk';
    else {
      set.push('duePk = :duePk', 'dueSk = :dueSk');
      values[':duePk'] = indexKeys.expiringCredit;
      values[':dueSk'] = `${sortable(next)}#${account}`;
    }
  }
  return {
    update: itemKeys.account(account),
    expression: `SET ${set.join(', ')}${remove}`,
    condition: conditions.join(' AND '),
    values,
  };
}
