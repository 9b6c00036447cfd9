import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoStores, type DynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import type { DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { itemKeys } from '#shared/adapters/dynamo/item-keys.ts';
import { readUsage, type UsageGroup } from '#shared/service/domain/usage.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { createMemoryDynamo } from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { tableOver } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  NOW,
  PRICE,
  sampleAdmission,
  sampleId,
  sampleSettlement,
} from '#test/helpers/samples.ts';

describe('sums of usage by day', () => {
  let clock: ManualClock;
  let table: DynamoTable;
  let stores: DynamoStores;
  let itemsRead: number;

  beforeEach(async () => {
    clock = createManualClock(NOW);
    itemsRead = 0;
    const { send } = createMemoryDynamo({ now: clock.now });
    table = tableOver(async (command) => {
      const answer = await send(command);
      if (command instanceof QueryCommand) itemsRead += (answer as QueryCommandOutput).Count ?? 0;
      return answer;
    });
    stores = createDynamoStores({
      ...{ table, clock, waitingLineMs: 0 },
      randomBytes: createCountedBytes(),
    });
    await fund(stores.ledger, 1000 * PRICE);
  });

  const predict = async (tags: Readonly<Record<string, string>> = {}): Promise<void> => {
    const at = clock.now();
    const { job } = sampleAdmission({ createdAt: at, tags });
    await stores.jobs.admit(sampleAdmission(job, { ledgerEntryId: sampleId(at) }));
    const end = { completedAt: at, ledgerEntryId: sampleId(at), captured: PRICE };
    await stores.jobs.settle(sampleSettlement(job, end));
  };
  const usage = (by: readonly UsageGroup[] = ['day']) => {
    const period = { from: NOW - 30 * DAY, to: NOW + 30 * DAY, now: clock.now() };
    return readUsage(stores.ledger, { account: ACCOUNT, ...period, by });
  };
  const jobsByDay = async () =>
    Object.fromEntries((await usage()).rows.map(({ group, jobs }) => [group['day'], jobs]));

  /** What a version that keeps no sums leaves: of an account, and of what it has settled just now. */
  const makeOld = async (): Promise<void> => {
    const { pk, sk } = itemKeys.usageDay(ACCOUNT, '');
    for await (const item of table.query({ pk, from: sk })) {
      if (item.sk.startsWith(sk)) await table.write([{ delete: item }]);
    }
    const expression = 'REMOVE #summed, sumsFrom, unsummed';
    await table.write([{ update: itemKeys.account(ACCOUNT), expression }]);
  };
  const predictOld = async (): Promise<void> => {
    await predict();
    await table.write([
      {
        update: itemKeys.account(ACCOUNT),
        expression: 'SET #summed = #summed - :price',
        values: { ':price': PRICE },
      },
    ]);
    const { pk, sk } = itemKeys.usageDay(ACCOUNT, new Date(clock.now()).toISOString().slice(0, 10));
    for await (const item of table.query({ pk, from: sk, to: `${sk}~` })) {
      await table.write([
        { update: item, expression: 'SET #jobs = #jobs - :one', values: { ':one': 1 } },
      ]);
    }
  };

  it('are read instead of the entries, however many those are', async () => {
    for (let i = 0; i < 50; i++) await predict();
    clock.advance(DAY);
    await predict();
    itemsRead = 0;
    expect(await jobsByDay()).toEqual({ '2026-11-23': 50, '2026-11-24': 1 });
    expect(itemsRead).toBe(2);
  });

  it('know tags by what they are, in whatever order they come', async () => {
    await predict({ team: 'a', stage: 'b' });
    await predict({ stage: 'b', team: 'a' });
    await predict({ team: 'b', stage: 'a' });
    itemsRead = 0;
    const { rows } = await usage(['tag:team']);
    expect(rows.map(({ group, jobs }) => [group['tag:team'], jobs])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(itemsRead).toBe(2);
  });

  it('of an account that is older than they are begin the day after tomorrow', async () => {
    for (let i = 0; i < 3; i++) await predict();
    await makeOld();
    expect(await jobsByDay()).toEqual({ '2026-11-23': 3 });
    for (let day = 0; day < 3; day++) {
      await predict();
      clock.advance(DAY);
    }
    itemsRead = 0;
    expect(await jobsByDay()).toEqual({ '2026-11-23': 4, '2026-11-24': 1, '2026-11-25': 1 });
    // Holds and captures of two days, and the sum of the third.
    expect(itemsRead).toBeLessThanOrEqual(2 * 5 + 1 + 1);
    await expectInvariant(stores.ledger);
  });

  it('are not trusted once a version that keeps none has settled again', async () => {
    await predict();
    expect(await jobsByDay()).toEqual({ '2026-11-23': 1 });
    await predictOld();
    expect(await jobsByDay()).toEqual({ '2026-11-23': 2 });
    clock.advance(DAY);
    await predict();
    expect(await jobsByDay()).toEqual({ '2026-11-23': 2, '2026-11-24': 1 });
    clock.advance(DAY);
    await predict();
    itemsRead = 0;
    expect(await jobsByDay()).toMatchObject({ '2026-11-23': 2, '2026-11-25': 1 });
    await expectInvariant(stores.ledger);
  });

  it('leave to the entries no more than a page that is asked for', async () => {
    for (let i = 0; i < 50; i++) await predict();
    itemsRead = 0;
    expect(await stores.ledger.entries({ account: ACCOUNT, limit: 5 })).toHaveLength(5);
    expect(itemsRead).toBeLessThanOrEqual(6);
  });
});
