import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openFirstAccount } from '#functions/cli/deploy/first-account.ts';
import { createDynamoClient } from '#shared/adapters/aws/aws-clients.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { createDynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { systemClock } from '#shared/core/clock.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import { accessTo, createEmptyTable } from '#test/helpers/aws-stand-ins.ts';

it('the operator gets an account with credit and an admin key that works, once', async () => {
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const table = createDynamoTable({
    client: createDynamoClient(accessTo('dynamoDb')),
    tableName: await createEmptyTable(),
    sleep: (ms) => sleep(ms),
    random: Math.random,
  });
  const { ledger, keys: store } = createDynamoStores({
    table,
    clock: systemClock,
    randomBytes: random,
  });
  const keys = createKeyService({
    keys: store,
    ledger,
    clock: systemClock,
    randomBytes: random,
    // As the data stack's secret is born: 48 letters and digits.
    macKeys: parseMacKeys('Zx9'.repeat(16)),
  });
  const deps = { ledger, keys, clock: systemClock, randomBytes: random };
  const id = 'acc_01jzzzzzzzzzzzzzzzzzzzzzzz' as AccountId;

  const first = await openFirstAccount(deps, id);
  expect(first.isNew).toBe(true);
  const known = await keys.authenticate(await first.adminKey());
  expect(known).toMatchObject({ ok: true, account: { id } });
  expect(known.ok && known.key.scopes).toEqual(['predict', 'read', 'admin']);

  const again = await openFirstAccount(deps, id);
  expect(again.isNew).toBe(false);
  let passing = '';
  await again.withKey(async (key) => {
    passing = key;
    const inUse = await keys.authenticate(key);
    expect(inUse.ok && inUse.key.scopes).toEqual(['predict', 'read']);
  });
  expect(await keys.authenticate(passing)).toMatchObject({ ok: false });
  expect((await ledger.getAccount(id))?.balance).toBe(5_000_000);
});
