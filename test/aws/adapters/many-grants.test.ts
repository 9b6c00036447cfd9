import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { AccountItem } from '#shared/adapters/dynamo/account-item.ts';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import { itemKeys } from '#shared/adapters/dynamo/item-keys.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import {
  newId,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleSettlement,
} from '#test/helpers/sample-jobs.ts';

const MANY = 1_500;

/** As an account was written when its item listed all of its grants. */
it('an account of 1,500 grants in its own item goes on, and its item gets smaller', async () => {
  const table = await createTestTable();
  const clock = createManualClock(Date.now());
  const { jobs, ledger } = createDynamoStores({
    table,
    clock,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    waitingLineMs: 0,
  });
  const account = `acc_${newId()}` as AccountId;
  const empty = { name: 'a', createdAt: clock.now(), balance: ZERO_USD, held: ZERO_USD };
  await ledger.createAccount({ id: account, ...empty }, sampleAudit(account));
  const read = async () => (await table.get(itemKeys.account(account))) as AccountItem;
  const grants = Array.from({ length: MANY }, (_, index) => ({
    reference: `payment-of-a-customer-${String(index).padStart(6, '0')}`,
    expiresAt: clock.now() + 60_000 + index,
    remaining: microUsd(10),
  }));
  const sum = microUsd(MANY * 10);
  await table.write([{ put: { ...(await read()), grants, balance: sum, granted: sum } }]);

  // The one that ends last of all, and one before all others.
  const late = { ...sampleGrant(account, microUsd(7)), expiresAt: clock.now() + 3_600_000 };
  await ledger.grant(late);
  await ledger.grant({ ...sampleGrant(account, microUsd(3)), expiresAt: clock.now() + 1_000 });
  expect((await read()).grants[0]?.remaining).toBe(3);

  // A hold over a hundred grants, given back but for a part.
  const admitted = await jobs.admit(sampleAdmission(account, { hold: 1_003 }));
  if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
  await jobs.settle(sampleSettlement(admitted.job.id, 503));
  for (let i = 0; i < 40; i++) {
    const next = await jobs.admit(sampleAdmission(account, { hold: 5 }));
    if (next.outcome === 'admitted') await jobs.settle(sampleSettlement(next.job.id, 5));
  }
  const { grants: listed, laterFrom } = await read();
  expect(listed.length).toBeLessThanOrEqual(64);
  expect(laterFrom).toBeGreaterThanOrEqual(listed.at(-1)?.expiresAt ?? 0);
  expect(JSON.stringify(await read()).length).toBeLessThan(10_000);
  expect(await ledger.getAccount(account)).toMatchObject({ balance: sum + 10 - 703, held: 0 });

  // More than the item lists: the rest is fetched for the hold.
  const large = await jobs.admit(sampleAdmission(account, { hold: 2_000 }));
  if (large.outcome !== 'admitted') throw new Error(large.outcome);
  await jobs.settle(sampleSettlement(large.job.id, 2_000));

  clock.advance(60_000 + 400);
  const expired = await ledger.expireCredits(clock.now(), 10_000);
  const left = (await read()).balance;
  expect(expired.reduce((total, { amount }) => total + amount, 0)).toBe(sum + 10 - 2_703 - left);
  // Grants that end within the millisecond are gone, those of the next are all there.
  expect(left).toBe((MANY - 401) * 10 + 7);
  expect(await ledger.totals(account)).toMatchObject({ captured: 2_703, balances: left, held: 0 });
});
