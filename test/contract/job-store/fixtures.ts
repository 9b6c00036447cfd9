import { test as base } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { Admission, JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { ACCOUNT, fund, MODEL, NOW, PRICE, sampleAdmission } from '#test/helpers/samples.ts';
import type { MakeStores, StoreSet } from '#test/helpers/stores.ts';

export const LEASE_MS = 30_000;

/** A test's own stores over an empty database with credit for ten jobs, and what tests do with them. */
interface Fixtures {
  readonly clock: ManualClock;
  readonly stores: StoreSet;
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly outbox: StoreSet['outbox'];
  /** Admits a job that differs from the sample by these fields. */
  readonly admitted: (
    job?: Partial<Admission['job']>,
    change?: Partial<Omit<Admission, 'job'>>,
  ) => Promise<Job>;
  readonly claimed: (now?: number) => Promise<Job & { readonly token: number }>;
  readonly money: () => Promise<{ balance: number | undefined; held: number | undefined }>;
}

export type JobStoreTest = ReturnType<typeof jobStoreTest>;

/** Vitest's `test` with these stores; each test ends with the books' invariant. */
export function jobStoreTest(makeStores: MakeStores) {
  return base.extend<Fixtures>({
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads a fixture's needs from the pattern.
    clock: async ({}, use) => use(createManualClock(NOW)),
    stores: async ({ clock }, use) => {
      const stores = await makeStores({ clock, randomBytes: createCountedBytes() });
      await fund(stores.ledger, 10 * PRICE);
      await use(stores);
      await expectInvariant(stores.ledger);
      await stores.close();
    },
    jobs: async ({ stores }, use) => use(stores.jobs),
    ledger: async ({ stores }, use) => use(stores.ledger),
    outbox: async ({ stores }, use) => use(stores.outbox),
    admitted: async ({ jobs }, use) =>
      use(async (job = {}, change = {}) => {
        const result = await jobs.admit(sampleAdmission(job, change));
        if (result.outcome !== 'admitted') throw new Error(`not admitted: ${result.outcome}`);
        return result.job;
      }),
    claimed: async ({ jobs }, use) =>
      use(async (now = NOW) => {
        const job = await jobs.claimNext(MODEL.name, now, LEASE_MS);
        if (job?.lease === undefined) throw new Error('nothing to claim');
        return { ...job, token: job.lease.token };
      }),
    money: async ({ ledger }, use) =>
      use(async () => {
        const account = await ledger.getAccount(ACCOUNT);
        return { balance: account?.balance, held: account?.held };
      }),
  });
}

export function outboxEntry(job: JobId, event: OutboxEntry['event']): OutboxEntry {
  return {
    id: `msg_${job}_${event}`,
    account: ACCOUNT,
    job,
    event,
    url: 'https://example.com/hook',
    createdAt: NOW,
    nextAttemptAt: NOW,
    attempts: 0,
  };
}
