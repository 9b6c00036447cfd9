import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import type { LedgerEntry } from '#shared/core/ledger.ts';
import { type AccountItem, moveMoney } from './account-item.ts';
import type { DynamoTable, Key } from './dynamo-table.ts';
import { expiredGrant } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { ledgerWrite } from './ledger-item.ts';
import { changePurse, hasDueLater, refill } from './purse.ts';

export interface ExpiryDeps {
  readonly table: DynamoTable;
  readonly randomBytes: RandomBytes;
  /** Most grants that an account's own item lists; for tests. */
  readonly grantsInAccount?: number | undefined;
}

/** An account after whatever of its credit is due by now has expired. */
export async function readAccount(
  deps: ExpiryDeps,
  id: AccountId,
  now: number,
): Promise<AccountItem | undefined> {
  const key = itemKeys.account(id);
  while ((await expireNext(deps, key, now)) !== undefined);
  return (await deps.table.get(key)) as AccountItem | undefined;
}

/** Expires an account's first grant that is due; undefined when there is none. */
export async function expireNext(
  deps: ExpiryDeps,
  key: Key,
  now: number,
): Promise<LedgerEntry | 'changed' | undefined> {
  const item = (await deps.table.get(key)) as AccountItem | undefined;
  if (item !== undefined && hasDueLater(item, now)) {
    await refill(deps.table, item);
    return 'changed';
  }
  const grant = item && expiredGrant(item.grants, now);
  if (item === undefined || grant === undefined) return undefined;
  const entry: LedgerEntry = {
    id: createUlid({ now: () => now }, deps.randomBytes),
    account: item.id,
    kind: 'expiry',
    at: now,
    amount: grant.remaining,
    reference: grant.reference,
  };
  const change = changePurse(item, item.grants.slice(1), deps.grantsInAccount);
  const sums = { balance: -grant.remaining, expired: grant.remaining };
  const written = await deps.table.write([
    moveMoney(item.id, sums, change),
    ...change.moved,
    ledgerWrite(entry),
  ]);
  return written ? entry : 'changed';
}
