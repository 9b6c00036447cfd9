import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job } from '#shared/core/job.ts';
import { createCachedJobStore } from '#shared/service/cached-job-store.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';
import {
  fund,
  MODEL,
  NOW,
  PRICE,
  sampleAdmission,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import { makeSqliteStores, type StoreSet } from '#test/helpers/stores.ts';

describe('jobs that the server remembers', () => {
  let stores: StoreSet;
  let jobs: JobStore;
  let job: Job;
  const reads = vi.fn();

  beforeEach(async () => {
    reads.mockClear();
    stores = await makeSqliteStores({
      clock: createManualClock(NOW),
      randomBytes: createCountedBytes(),
    });
    const { get } = stores.jobs;
    jobs = createCachedJobStore({
      ...stores.jobs,
      get: (id) => {
        reads();
        return get(id);
      },
    });
    await fund(stores.ledger, 10 * PRICE);
    const result = await jobs.admit(sampleAdmission());
    if (result.outcome !== 'admitted') throw new Error(result.outcome);
    job = result.job;
  });
  afterEach(() => stores.close());

  const read = () => jobs.get(job.id);

  it('are read once while they wait, and anew while somebody holds them', async () => {
    await read();
    await read();
    expect(reads).toHaveBeenCalledTimes(1);
    await jobs.claimNext(MODEL.name, NOW, 1000);
    expect(await read()).toMatchObject({ lease: { token: 1 } });
    await jobs.markStarted(job.id, 1, { startedAt: NOW }, []);
    expect(await read()).toMatchObject({ status: 'processing' });
    await jobs.claimNext(MODEL.name, NOW + 1000, 1000);
    expect(await read()).toMatchObject({ lease: { token: 2 }, status: 'starting' });
  });

  it('are never older than a change of theirs, also when they are read during it', async () => {
    for (const change of [
      () => jobs.requestCancel(job.id, NOW + 1),
      () => jobs.settle(sampleSettlement(job)),
      () => jobs.removeData(job.id, NOW + 2),
    ]) {
      await read();
      const [{ job: changed }] = await Promise.all([change(), read()]);
      expect(await read()).toEqual(changed);
    }
  });
});
