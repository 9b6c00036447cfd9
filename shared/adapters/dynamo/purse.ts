import type { AccountId } from '#shared/core/ids.ts';
import { type AccountItem, type GrantsChange, moveMoney } from './account-item.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { type GrantLeft, withGrant } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { AFTER } from './table-schema.ts';

/** Most grants that an account's own item lists: every change of its money writes them. */
const IN_ACCOUNT = 64;
/** Most grants that one transaction moves out of it or back; DynamoDB takes a hundred writes. */
const AT_ONCE = 40;

export interface PurseChange extends GrantsChange {
  /** Writes of the same transaction. */
  readonly moved: readonly Write[];
}

interface LaterItem extends Item, GrantLeft {}

/**
 * An account's grants after a change. The item lists those that expire first, up to {@link IN_ACCOUNT};
 * the rest have items of their own. Accounts written before that list them all, and lose some of them
 * with every change.
 */
export function changePurse(
  read: AccountItem,
  grants: readonly GrantLeft[],
  most: number = IN_ACCOUNT,
): PurseChange {
  const { laterFrom = Number.POSITIVE_INFINITY } = read;
  if (grants === read.grants) return { read, grants, laterFrom: read.laterFrom, moved: [] };
  const misplaced = grants.filter(({ expiresAt }) => expiresAt > laterFrom).length;
  const count = Math.min(AT_ONCE, Math.max(misplaced, grants.length - most));
  if (count <= 0) return { read, grants, laterFrom: read.laterFrom, moved: [] };
  const spilled = grants.slice(-count);
  return {
    read,
    grants: grants.slice(0, -count),
    laterFrom: Math.min(laterFrom, ...spilled.map(({ expiresAt }) => expiresAt)),
    moved: spilled.map((grant) => addLater(read.id, grant)),
  };
}

/** Whether a hold would have to take from grants that the account's item does not list. */
export function needsRefill({ grants, laterFrom }: AccountItem, hold: number): boolean {
  if (laterFrom === undefined) return false;
  return grants.reduce((sum, { remaining }) => sum + remaining, 0) < hold;
}

/** Whether grants are due that the account's item does not list, and none that it does. */
export function hasDueLater({ grants, laterFrom }: AccountItem, now: number): boolean {
  const [first] = grants;
  return laterFrom !== undefined && laterFrom <= now && !(first && first.expiresAt <= now);
}

/** Moves the next grants back into the account's item; another writer may have been faster. */
export async function refill(table: DynamoTable, read: AccountItem): Promise<void> {
  const later: LaterItem[] = [];
  const { pk, sk } = itemKeys.laterGrant(read.id);
  for await (const item of table.query({ pk, from: sk, to: sk + AFTER })) {
    later.push(item as LaterItem);
    if (later.length > AT_ONCE) break;
  }
  const moved = later.slice(0, AT_ONCE);
  // A list of its own, even if nothing is added: what it is and when it ends is written then.
  const grants = moved.map(toGrant).reduce(withGrant, [...read.grants]);
  await table.write([
    moveMoney(read.id, {}, { read, grants, laterFrom: later[AT_ONCE]?.expiresAt }),
    ...moved.map((item) => ({ delete: item, condition: 'attribute_exists(pk)' })),
  ]);
}

function toGrant({ reference, expiresAt, remaining }: LaterItem): GrantLeft {
  return { reference, expiresAt, remaining };
}

/** Adds to what is left of a grant outside the account's item. */
function addLater(account: AccountId, { reference, expiresAt, remaining }: GrantLeft): Write {
  return {
    update: itemKeys.laterGrant(account, expiresAt, reference),
    expression: 'SET #reference = :reference, expiresAt = :expiresAt ADD remaining :remaining',
    values: { ':reference': reference, ':expiresAt': expiresAt, ':remaining': remaining },
  };
}
