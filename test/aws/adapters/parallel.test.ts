import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDynamoJobStore } from '#shared/adapters/dynamo/dynamo-jobs.ts';
import { createDynamoLedger } from '#shared/adapters/dynamo/dynamo-ledger.ts';
import type { DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { ledgerDifference } from '#shared/core/ledger.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { createTestTable } from '#test/helpers/aws-stand-ins.ts';
import {
  newId,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleSettlement,
} from '#test/helpers/sample-jobs.ts';

const PRICE = 4_000;

describe('many writers at one account', () => {
  let table: DynamoTable;
  let jobs: JobStore;
  let ledger: Ledger;

  beforeAll(async () => {
    table = await createTestTable();
    const deps = {
      table,
      now: Date.now,
      randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
    };
    jobs = createDynamoJobStore({ ...deps, waitingLineMs: 0, recordMs: 90 * 86_400_000 });
    ledger = createDynamoLedger(deps);
  });

  async function accountWith(amount: number, expiresAt?: number): Promise<AccountId> {
    const id = `acc_${newId()}` as AccountId;
    const account = {
      id,
      name: 'a',
      createdAt: Date.now(),
      balance: microUsd(0),
      held: microUsd(0),
    };
    await ledger.createAccount(account, sampleAudit(id));
    const grant = sampleGrant(id, amount);
    await ledger.grant(expiresAt === undefined ? grant : { ...grant, expiresAt });
    return id;
  }

  it.each([
    ['that lasts', undefined],
    ['that expires', Date.now() + 3_600_000],
  ])('admits exactly what credit %s pays for', async (_, expiresAt) => {
    const account = await accountWith(10 * PRICE, expiresAt);
    const results = await Promise.all(
      Array.from({ length: 50 }, () => jobs.admit(sampleAdmission(account, { hold: PRICE }))),
    );
    const admitted = results.flatMap((r) => (r.outcome === 'admitted' ? [r.job] : []));
    expect(admitted).toHaveLength(10);
    expect(results.filter((r) => r.outcome === 'insufficient-funds')).toHaveLength(40);
    expect(await jobs.list({ account, limit: 100 })).toHaveLength(10);
    expect(new Set(admitted.map((job) => job.rank)).size).toBe(10);
    expect(await ledger.getAccount(account)).toMatchObject({ balance: 0, held: 10 * PRICE });

    await Promise.all(
      admitted.map((job, i) => jobs.settle(sampleSettlement(job.id, i % 2 === 0 ? PRICE : 0))),
    );
    expect(await ledger.getAccount(account)).toMatchObject({ balance: 5 * PRICE, held: 0 });
    expect(await ledger.totals(account)).toMatchObject({
      granted: 10 * PRICE,
      captured: 5 * PRICE,
      expired: 0,
    });
    const entries = await ledger.entries({ account, limit: 1_000 });
    const sum = (kind: string) =>
      entries.filter((e) => e.kind === kind).reduce((total, e) => total + e.amount, 0);
    expect([sum('grant'), sum('hold'), sum('capture'), sum('release')]).toEqual([
      10 * PRICE,
      10 * PRICE,
      5 * PRICE,
      5 * PRICE,
    ]);
  });

  it('makes one job of twenty equal creates', async () => {
    const account = await accountWith(100 * PRICE);
    const scope = `${account}|/v1/predictions|k`;
    const results = await Promise.all(
      Array.from({ length: 20 }, () => jobs.admit(sampleAdmission(account, { scope }))),
    );
    const outcomes = results.map((result) => result.outcome).sort();
    expect(outcomes).toEqual(['admitted', ...Array.from({ length: 19 }, () => 'replayed')]);
    const ids = new Set(
      results.map((result) =>
        result.outcome === 'admitted' || result.outcome === 'replayed' ? result.job.id : 'none',
      ),
    );
    expect(ids.size).toBe(1);
    expect(await ledger.getAccount(account)).toMatchObject({ held: PRICE, balance: 99 * PRICE });
    const other = await jobs.admit(sampleAdmission(account, { scope, body: 'c'.repeat(64) }));
    expect(other.outcome).toBe('idempotency-mismatch');
  });

  it('settles a job once, however often and however differently it is told to', async () => {
    const account = await accountWith(PRICE);
    const admitted = await jobs.admit(sampleAdmission(account, { hold: PRICE }));
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        jobs.settle(sampleSettlement(admitted.job.id, i % 3 === 0 ? 0 : PRICE)),
      ),
    );
    expect(results.filter((result) => result.changed)).toHaveLength(1);
    const totals = await ledger.totals(account);
    expect(ledgerDifference(totals)).toBe(0);
    expect(totals.held).toBe(0);
  });
});
