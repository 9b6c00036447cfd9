import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import type { DynamoTable, IndexedKey } from '#shared/adapters/dynamo/dynamo-table.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';
import {
  newId,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleSettlement,
} from '#test/helpers/sample-jobs.ts';

const MODEL = 'onestep/demo';

/** Indexes of a real table lag behind it, which DynamoDB Local's never do. */
describe('an index that lags behind the table', () => {
  let table: DynamoTable;
  let stores: ReturnType<typeof createDynamoStores>;
  let account: AccountId;
  const remembered = new Map<string, IndexedKey[]>();

  const deps = (over: DynamoTable) => ({
    table: over,
    clock: { now: () => Date.now() },
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
    waitingLineMs: 0,
  });
  /** The table, with indexes as they were when they were first asked since `forget`. */
  const lagging = () =>
    createDynamoStores(
      deps({
        ...table,
        async *queryIndex(index, query, size) {
          const name = `${index} ${query.pk}`;
          if (!remembered.has(name)) {
            const keys: IndexedKey[] = [];
            for await (const key of table.queryIndex(index, query, size)) keys.push(key);
            remembered.set(name, keys);
          }
          yield* remembered.get(name) ?? [];
        },
      }),
    );

  beforeAll(async () => {
    table = await createTestTable();
    stores = createDynamoStores(deps(table));
    account = `acc_${newId()}` as AccountId;
    const empty = { name: 'a', createdAt: Date.now(), balance: ZERO_USD, held: ZERO_USD };
    await stores.ledger.createAccount({ id: account, ...empty }, sampleAudit(account));
    await stores.ledger.grant(sampleGrant(account, microUsd(1_000_000)));
  });

  it('hands no job out twice', async () => {
    for (let i = 0; i < 3; i++) await stores.jobs.admit(sampleAdmission(account));
    const { jobs } = lagging();
    remembered.clear();
    const claims = [];
    for (let i = 0; i < 5; i++) claims.push(await jobs.claimNext(MODEL, Date.now(), 60_000));
    const ids = claims.flatMap((job) => job?.id ?? []);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
  });

  it('names no ended job overdue, and expires no credit twice', async () => {
    const past = Date.now() - 60_000;
    const admission = sampleAdmission(account);
    const admitted = await stores.jobs.admit({
      ...admission,
      job: { ...admission.job, deadline: past },
    });
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    await stores.ledger.grant({ ...sampleGrant(account, microUsd(500)), expiresAt: past });
    const { jobs, ledger } = lagging();
    remembered.clear();
    expect(await jobs.listOverdue(Date.now(), 10)).toMatchObject([{ id: admitted.job.id }]);
    expect(await ledger.expireCredits(Date.now(), 10)).toHaveLength(1);
    expect(await ledger.expireCredits(Date.now(), 10)).toHaveLength(0);
    await stores.jobs.settle(sampleSettlement(admitted.job.id, 0));
    expect(await jobs.listOverdue(Date.now(), 10)).toEqual([]);
    for (const id of await openIds()) await stores.jobs.settle(sampleSettlement(id, 0));
    expect(await ledger.expireCredits(Date.now(), 10)).toHaveLength(0);
    const totals = await stores.ledger.totals(account);
    expect(totals).toMatchObject({ expired: 500, held: 0, balances: 1_000_000 });
  });

  async function openIds() {
    const jobs = await stores.jobs.list({ account, limit: 100 });
    return jobs.filter((job) => job.completedAt === undefined).map((job) => job.id);
  }
});
