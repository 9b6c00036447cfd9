import type { AccountId } from '#shared/core/ids.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

/**
 * Takes the next rank of an account's jobs of a model: 1 + the larger of its last one and the rank
 * last claimed (start-time fair queueing, Goyal et al. 1996). Taken before the admission itself,
 * so that parallel creates of one account don't have to agree on it there; a rank that no job takes
 * leaves a harmless gap.
 */
export async function takeRank(
  table: DynamoTable,
  account: AccountId,
  model: string,
): Promise<number> {
  const key = itemKeys.accountRank(account, model);
  for (;;) {
    const claimed = await readClaimedRank(table, model);
    const values = { ':claimed': claimed, ':one': 1 };
    const after = await table.update({
      update: key,
      expression: 'SET #rank = #rank + :one',
      condition: '#rank >= :claimed',
      values,
    });
    if (after !== undefined) return Number(after['rank']);
    const first = await table.update({
      update: key,
      expression: 'SET #rank = :claimed + :one',
      condition: 'attribute_not_exists(pk) OR #rank < :claimed',
      values,
    });
    if (first !== undefined) return Number(first['rank']);
  }
}

async function readClaimedRank(table: DynamoTable, model: string): Promise<number> {
  return Number((await table.get(itemKeys.claimedRank(model)))?.['rank'] ?? 0);
}

/** Notes that a rank is being claimed: later jobs of idle accounts go behind it. */
export async function noteClaimed(table: DynamoTable, model: string, rank: number): Promise<void> {
  await table.update({
    update: itemKeys.claimedRank(model),
    expression: 'SET #rank = :rank',
    condition: 'attribute_not_exists(pk) OR #rank < :rank',
    values: { ':rank': rank },
  });
}
