import { AppError } from '#shared/core/errors.ts';
import { type LedgerEntry, takeBack } from '#shared/core/ledger.ts';
import { addUsd, ZERO_USD } from '#shared/core/money.ts';
import { reversalEntries } from '#shared/service/domain/reversal-entries.ts';
import type { Reversal, ReversalResult } from '#shared/service/ports/ledger.ts';
import { moveMoney } from './account-item.ts';
import { type ExpiryDeps, readAccount } from './credit-expiry.ts';
import { drawGrants } from './grants-left.ts';
import { itemKeys } from './item-keys.ts';
import { auditWrite, ledgerWrite } from './ledger-item.ts';
import { changePurse, needsRefill, refill } from './purse.ts';

/** See `Ledger.reverse`: one transaction, from a reading that its conditions repeat. */
export async function reverseCredit(deps: ExpiryDeps, reversal: Reversal): Promise<ReversalResult> {
  const { table, grantsInAccount } = deps;
  const { account, amount, reference, at } = reversal;
  const key = itemKeys.reversal(reference);
  for (;;) {
    const known = (await table.get(key))?.['entry'] as LedgerEntry | undefined;
    if (known !== undefined) {
      const same = known.amount === amount && known.account === account;
      return { outcome: same ? 'replayed' : 'conflict', entry: known };
    }
    const read = await readAccount(deps, account, at);
    if (read === undefined) throw new AppError('not-found', `There is no account ${account}`);
    const { taken, owed } = takeBack(amount, read.balance);
    if (needsRefill(read, taken)) {
      await refill(table, read);
      continue;
    }
    const { left } = drawGrants(read.grants, taken);
    const change = changePurse(read, left, grantsInAccount);
    const [entry, owing] = reversalEntries(reversal, owed);
    // What comes in meanwhile would have to be taken too, so the balance must be what was read.
    const before = read.owed ?? ZERO_USD;
    const debt = { before: read.owed, after: addUsd(before, owed), balance: read.balance };
    const sums = { balance: 0 - taken, reversed: amount };
    const written = await table.write([
      { put: { ...key, entry }, condition: 'attribute_not_exists(pk)' },
      moveMoney(account, sums, change, owed === 0 ? undefined : debt),
      ...change.moved,
      ledgerWrite(entry),
      ...(owing === undefined ? [] : [ledgerWrite(owing)]),
      auditWrite(reversal.audit),
    ]);
    if (written) return { outcome: 'reversed', entry };
  }
}
