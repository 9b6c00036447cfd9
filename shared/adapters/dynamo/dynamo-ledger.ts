import type { Account } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type LedgerEntry, type LedgerTotals, payOwed } from '#shared/core/ledger.ts';
import { type MicroUsd, microUsd, subtractUsd, ZERO_USD } from '#shared/core/money.ts';
import {
  type Grant,
  type GrantResult,
  grantEntry,
  type Ledger,
} from '#shared/service/ports/ledger.ts';
import { type AccountItem, moveMoney, toAccount } from './account-item.ts';
import { type ExpiryDeps, expireNext, readAccount } from './credit-expiry.ts';
import type { DynamoTable, Item, Key } from './dynamo-table.ts';
import { withGrant } from './grants-left.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { auditWrite, ledgerWrite, readEntries } from './ledger-item.ts';
import { changePurse } from './purse.ts';
import { reverseCredit } from './reverse-credit.ts';
import { AFTER, sortable } from './table-schema.ts';
import { readUsageDays } from './usage-days.ts';

const PAGE = 100;

/** Accounts and money in DynamoDB. */
export function createDynamoLedger(deps: ExpiryDeps & { readonly now: () => number }): Ledger {
  const { table } = deps;
  const read = (id: AccountId) => readAccount(deps, id, deps.now());
  return {
    createAccount: async (account, audit) => ({
      created: await table.write([
        { put: newAccount(account), condition: 'attribute_not_exists(pk)' },
        auditWrite(audit),
      ]),
    }),
    getAccount: async (id) => {
      const item = await read(id);
      return item && toAccount(item);
    },
    listAccounts: async () => {
      await expireCredits(deps, deps.now(), Number.POSITIVE_INFINITY);
      return (await readAccounts(table)).map(toAccount);
    },
    setDisabled: async (id, disabledAt, audit) => {
      const written = await table.write([
        {
          update: itemKeys.account(id),
          expression: disabledAt === undefined ? 'REMOVE disabledAt' : 'SET disabledAt = :at',
          condition: 'attribute_exists(pk) AND attribute_not_exists(deletedAt)',
          ...(disabledAt !== undefined && { values: { ':at': disabledAt } }),
        },
        auditWrite(audit),
      ]);
      const item = written ? await read(id) : undefined;
      return item && toAccount(item);
    },
    grant: (grant) => giveGrant(deps, grant),
    findGrant: async (reference) => entryOf(await table.get(itemKeys.grant(reference))),
    reverse: (reversal) => reverseCredit(deps, reversal),
    expireCredits: (now, limit) => expireCredits(deps, now, limit),
    entries: (query) => readEntries(table, query),
    usage: (query) => readUsageDays(table, query, deps.now()),
    totals: async (account) => {
      if (account === undefined) return sumAccounts(await readAccounts(table));
      const item = (await table.get(itemKeys.account(account))) as AccountItem | undefined;
      return sumAccounts(item === undefined ? [] : [item]);
    },
  };
}

/** Accounts begin without money: every micro-USD of theirs has a grant. */
export function newAccount({ id, name, createdAt, disabledAt }: Account): AccountItem {
  return {
    ...itemKeys.account(id),
    ...{ id, name, createdAt },
    ...defined({ disabledAt }),
    balance: ZERO_USD,
    held: ZERO_USD,
    granted: ZERO_USD,
    captured: ZERO_USD,
    expired: ZERO_USD,
    ...{ summed: ZERO_USD, unsummed: ZERO_USD, sumsFrom: '' },
    grants: [],
    grantsVersion: 0,
    ownedPk: indexKeys.accounts,
    ownedSk: `${sortable(createdAt)}#${id}`,
  };
}

async function readAccounts(table: DynamoTable): Promise<readonly AccountItem[]> {
  const keys: Key[] = [];
  for await (const key of table.queryIndex('owned', { pk: indexKeys.accounts }, PAGE)) {
    keys.push(key);
  }
  return (await table.getMany(keys)) as readonly AccountItem[];
}

function sumAccounts(items: readonly AccountItem[]): LedgerTotals {
  const sum = (name: keyof AccountItem & (keyof LedgerTotals | 'balance')): MicroUsd =>
    microUsd(items.reduce((total, item) => total + Number(item[name] ?? 0), 0));
  return {
    balances: sum('balance'),
    held: sum('held'),
    owed: sum('owed'),
    granted: sum('granted'),
    captured: sum('captured'),
    expired: sum('expired'),
    reversed: sum('reversed'),
  };
}

async function giveGrant(
  { table, grantsInAccount }: ExpiryDeps,
  grant: Grant,
): Promise<GrantResult> {
  const { account, amount, reference, expiresAt } = grant;
  const entry = grantEntry(grant);
  for (;;) {
    const known = entryOf(await table.get(itemKeys.grant(reference)));
    if (known !== undefined) {
      const same = known.amount === amount && known.account === account;
      return { outcome: same ? 'replayed' : 'conflict', entry: known };
    }
    const item = (await table.get(itemKeys.account(account))) as AccountItem | undefined;
    if (item === undefined) throw new AppError('not-found', `There is no account ${account}`);
    const { paid, left } = payOwed(amount, item.owed);
    const debt = { before: item.owed, after: subtractUsd(item.owed ?? ZERO_USD, paid) };
    const next =
      expiresAt === undefined || left === 0
        ? item.grants
        : withGrant(item.grants, { reference, expiresAt, remaining: left });
    const change = changePurse(item, next, grantsInAccount);
    const written = await table.write([
      {
        put: { ...itemKeys.grant(reference), entry },
        condition: 'attribute_not_exists(pk)',
      },
      moveMoney(account, { balance: left, granted: amount }, change, debt),
      ...change.moved,
      ledgerWrite(entry),
      auditWrite(grant.audit),
    ]);
    if (written) return { outcome: 'granted', entry };
  }
}

function entryOf(item: Item | undefined): LedgerEntry | undefined {
  return item?.['entry'] as LedgerEntry | undefined;
}

async function expireCredits(
  deps: ExpiryDeps,
  now: number,
  limit: number,
): Promise<readonly LedgerEntry[]> {
  const written: LedgerEntry[] = [];
  const query = { pk: indexKeys.expiringCredit, to: sortable(now) + AFTER };
  for await (const key of deps.table.queryIndex('due', query, PAGE)) {
    while (written.length < limit) {
      const entry = await expireNext(deps, key, now);
      if (entry === undefined) break;
      if (entry !== 'changed') written.push(entry);
    }
    if (written.length === limit) break;
  }
  return written;
}
