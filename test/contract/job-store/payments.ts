import { describe, expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { type JobPayment, type MadeWork, paymentReference } from '#shared/core/payment.ts';
import { createCollector } from '#shared/service/domain/payments/collect.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import { Chain } from '#test/helpers/chain.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { allEntries } from '#test/helpers/invariant.ts';
import {
  ACCOUNT,
  DAY,
  MINUTE,
  MODEL,
  NOW,
  PRICE,
  sampleAdmission,
  sampleId,
  sampleImage,
  sampleSettlement,
} from '#test/helpers/samples.ts';
import { type JobStoreTest, LEASE_MS } from './fixtures.ts';

const PAYER = `0x${'a'.repeat(40)}`;
const PAY_TO = `0x${'b'.repeat(40)}`;
const LOOK = 10_000;
const LIMITS = { payer: 2, address: 3 };

/** How a job ends whose payment did not come. */
const UNPAID = {
  status: 'failed',
  cost: 0,
  images: [],
  error: { code: 'payment-invalid' },
  payment: { state: 'unsettled' },
};

let nonces = 0;

function samplePayment(change: Partial<JobPayment> = {}): JobPayment {
  return {
    state: 'verified',
    network: 'eip155:8453',
    asset: `0x${'c'.repeat(40)}`,
    payTo: PAY_TO,
    payer: PAYER,
    nonce: `0x${String(++nonces).padStart(64, '0')}`,
    amount: PRICE,
    validBefore: (NOW + 20 * MINUTE) / 1000,
    signed: '{"signature":"0x00"}',
    address: '192.0.2.1',
    attempts: 0,
    ...change,
  };
}

/** A payer's order, by the scope that its payment names. */
function paidAdmission(payment = samplePayment(), bodyHash = 'b'.repeat(64)) {
  const scope = paymentReference(payment);
  return sampleAdmission(
    { payment, bodyHash, hold: ZERO_USD },
    { idempotency: { scope, expiresAt: NOW + DAY }, unpaidLimits: LIMITS },
  );
}

function madeBy(id: JobId): MadeWork {
  return { images: [sampleImage(id)], warnings: ['small'] };
}

/** Admits a payer's job and runs it. */
async function makeJob(jobs: JobStore, payment = samplePayment(), at = NOW): Promise<Job> {
  const result = await jobs.admit(paidAdmission(payment));
  if (result.outcome !== 'admitted') throw new Error(`not admitted: ${result.outcome}`);
  const claimed = await jobs.claimNext(MODEL.name, at, LEASE_MS);
  const from = { state: 'claimed', token: claimed?.lease?.token ?? 0 } as const;
  const { changed, job } = await jobs.keepMade(result.job.id, from, madeBy(result.job.id), at);
  expect(changed).toBe(true);
  return job as Job;
}

/** Payments of jobs: their states, and what a crash at each of them leads to. */
export function describePayments(test: JobStoreTest): void {
  /** A chain with money of the payer's, and what goes on with payments after a crash. */
  function payments(deps: { readonly jobs: JobStore; readonly clock: { now(): number } }) {
    const chain = new Chain(deps.clock.now);
    chain.give(PAYER, 10 * PRICE);
    const deleted: string[] = [];
    const ended: Job[] = [];
    const { collect } = createCollector({
      jobs: deps.jobs,
      gateway: chain,
      blobs: { delete: async (key) => void deleted.push(key) },
      clock: deps.clock,
      randomBytes: createCountedBytes('payments'),
      onChange: (job) => void ended.push(job),
      onError: () => undefined,
    });
    return { chain, collect, deleted, ended };
  }

  describe('payments', () => {
    test('hold nothing, and name their job', async ({ jobs, ledger, money }) => {
      const before = await allEntries(ledger, ACCOUNT);
      const admission = paidAdmission();
      const result = await jobs.admit(admission);
      expect(result).toMatchObject({
        outcome: 'admitted',
        job: { payment: { state: 'verified' } },
      });
      const { id } = admission.job;
      expect(await jobs.get(id)).toMatchObject({ payment: admission.job.payment, hold: 0 });
      expect(await money()).toEqual({ balance: 10 * PRICE, held: 0 });
      expect(await allEntries(ledger, ACCOUNT)).toEqual(before);
      const scope = admission.idempotency?.scope ?? '';
      expect((await jobs.findByScope(scope, NOW))?.id).toBe(id);
      expect(await jobs.findByScope(scope, NOW + DAY)).toBeUndefined();
      expect(await jobs.findByScope('another', NOW)).toBeUndefined();
    });

    test('pay for one order: the same again attaches, another body does not', async ({ jobs }) => {
      const payment = samplePayment();
      const first = paidAdmission(payment);
      await jobs.admit(first);
      const again = await jobs.admit(paidAdmission(payment));
      expect(again).toMatchObject({ outcome: 'replayed', job: { id: first.job.id } });
      const other = await jobs.admit(paidAdmission(payment, 'f'.repeat(64)));
      expect(other).toEqual({ outcome: 'idempotency-mismatch', job: first.job.id });
    });

    test('are taken once by parallel orders', async ({ jobs }) => {
      const payment = samplePayment();
      const results = await Promise.all(
        Array.from({ length: 4 }, () => jobs.admit(paidAdmission(payment))),
      );
      const outcomes = results.map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual(['admitted', 'replayed', 'replayed', 'replayed']);
    });

    test('what was made waits for them: not claimed, not ended, not cancelled', async ({
      jobs,
    }) => {
      const job = await makeJob(jobs);
      expect(job).toMatchObject({ status: 'processing', images: [], payment: { nextAt: NOW } });
      expect(job.lease).toBeUndefined();
      expect(await jobs.claimNext(MODEL.name, NOW + MINUTE, LEASE_MS)).toBeUndefined();
      expect(await jobs.giveBackAll()).toBe(0);
      expect((await jobs.requestCancel(job.id, NOW)).changed).toBe(false);
      const ended = await jobs.settle(sampleSettlement(job));
      expect(ended).toMatchObject({ changed: false, job: { status: 'processing' } });
      const again = await jobs.keepMade(job.id, { state: 'open' }, madeBy(job.id), NOW);
      expect(again.changed).toBe(false);
      expect(await jobs.queuePosition(job)).toBeUndefined();
      expect((await jobs.listOverdue(NOW, 10)).map(({ id }) => id)).toEqual([job.id]);
    });

    test('a run without its lease keeps nothing back', async ({ jobs }) => {
      const { job } = paidAdmission();
      await jobs.admit({ ...paidAdmission(), job });
      const from = { state: 'claimed', token: 7 } as const;
      expect((await jobs.keepMade(job.id, from, madeBy(job.id), NOW)).changed).toBe(false);
      const held = await jobs.admit(sampleAdmission());
      if (held.outcome !== 'admitted') throw new Error(held.outcome);
      const open = { state: 'open' } as const;
      expect((await jobs.keepMade(held.job.id, open, madeBy(job.id), NOW)).changed).toBe(false);
    });

    test('one process makes an attempt', async ({ jobs }) => {
      const job = await makeJob(jobs);
      const attempt = { isNew: true, nextAt: NOW + MINUTE, fromBlock: 5 };
      const both = await Promise.all([
        jobs.noteSettling(job.id, 0, attempt),
        jobs.noteSettling(job.id, 0, attempt),
      ]);
      expect(both.filter(({ changed }) => changed)).toHaveLength(1);
      const later = { isNew: true, nextAt: NOW + 2 * MINUTE, fromBlock: 9 };
      const second = await jobs.noteSettling(job.id, 1, later);
      const payment = { state: 'settling', attempts: 2, fromBlock: 5, nextAt: NOW + 2 * MINUTE };
      expect(second.job?.payment).toMatchObject(payment);
      expect(await jobs.listOverdue(NOW + MINUTE, 10)).toEqual([]);
      const stale = { state: 'made', attempts: 1 } as const;
      expect((await jobs.settle(sampleSettlement(job, { from: stale }))).changed).toBe(false);
    });

    test('settled: grant, hold and capture in one step, once', async ({
      jobs,
      ledger,
      clock,
      money,
    }) => {
      const job = await makeJob(jobs);
      const { chain, collect, ended } = payments({ jobs, clock });
      const done = await collect(job.id);
      expect(done).toMatchObject({
        status: 'succeeded',
        cost: PRICE,
        images: [sampleImage(job.id)],
        warnings: ['small'],
        payment: { state: 'settled', attempts: 1, fromBlock: 100 },
      });
      for (const gone of ['signed', 'address', 'made', 'nextAt']) {
        expect(done?.payment).not.toHaveProperty(gone);
      }
      expect(ended).toEqual([done]);
      expect(await jobs.get(job.id)).toEqual(done);
      const lines = (await allEntries(ledger, ACCOUNT)).filter(
        (entry) => entry.job === job.id || entry.reference?.startsWith('x402:') === true,
      );
      expect(lines.map(({ kind, amount }) => [kind, amount])).toEqual([
        ['capture', PRICE],
        ['hold', PRICE],
        ['grant', PRICE],
      ]);
      expect(await money()).toEqual({ balance: 10 * PRICE, held: 0 });
      expect((await ledger.totals()).granted).toBe(10 * PRICE + chain.balanceOf(PAY_TO));
      expect(await collect(job.id)).toEqual(done);
      expect([chain.asked, chain.balanceOf(PAY_TO)]).toEqual([1, PRICE]);
    });

    test.for(['loses-answer', 'fails'] as const)(
      'the facilitator %s',
      async (how, { jobs, clock }) => {
        const job = await makeJob(jobs);
        const { chain, collect } = payments({ jobs, clock });
        chain.next = how;
        const first = await collect(job.id);
        const isPaid = how === 'loses-answer';
        expect(first?.status).toBe(isPaid ? 'succeeded' : 'processing');
        expect([chain.asked, chain.balanceOf(PAY_TO)]).toEqual([1, isPaid ? PRICE : 0]);
        chain.next = 'settles';
        // Not before its time.
        await collect(job.id);
        expect(chain.asked).toBe(1);
        clock.advance(MINUTE);
        expect((await collect(job.id))?.status).toBe('succeeded');
        expect(chain.balanceOf(PAY_TO)).toBe(PRICE);
      },
    );

    test('a crash after the facilitator was asked: the chain is read first', async ({
      jobs,
      clock,
    }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      const begun = { isNew: true, nextAt: NOW + LOOK, turnEndsAt: NOW + MINUTE, fromBlock: 100 };
      const { job: settling } = await jobs.noteSettling(job.id, 0, begun);
      await chain.settle(settling?.payment as JobPayment);
      // Here the process died: another finds out what became of it, at once.
      const done = await collect(job.id);
      expect(done).toMatchObject({ status: 'succeeded', payment: { attempts: 1 } });
      expect([chain.asked, chain.balanceOf(PAY_TO)]).toEqual([1, PRICE]);
    });

    test('a crash before the facilitator was asked: it is asked when the turn is over', async ({
      jobs,
      clock,
    }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      const begun = { isNew: true, nextAt: NOW + LOOK, turnEndsAt: NOW + MINUTE, fromBlock: 100 };
      await jobs.noteSettling(job.id, 0, begun);
      clock.advance(LOOK);
      const left = await collect(job.id);
      expect(left).toMatchObject({ status: 'processing', payment: { nextAt: NOW + 2 * LOOK } });
      expect(chain.asked).toBe(0);
      clock.advance(MINUTE);
      expect(await collect(job.id)).toMatchObject({
        status: 'succeeded',
        payment: { attempts: 2 },
      });
      expect(chain.asked).toBe(1);
    });

    test('two processes at one payment move the money once', async ({ jobs, ledger, clock }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      await Promise.all([collect(job.id), collect(job.id), collect(job.id)]);
      expect((await jobs.get(job.id))?.status).toBe('succeeded');
      expect([chain.asked, chain.balanceOf(PAY_TO)]).toEqual([1, PRICE]);
      expect((await ledger.totals()).granted).toBe(11 * PRICE);
    });

    test.for(['emptied', 'withdrawn'] as const)(
      'a wallet that was %s',
      async (how, { jobs, ledger, clock }) => {
        const payment = samplePayment();
        const job = await makeJob(jobs, payment);
        const { chain, collect, deleted } = payments({ jobs, clock });
        if (how === 'emptied') chain.give(PAYER, 0);
        if (how === 'withdrawn') chain.withdraw(payment);
        const done = await collect(job.id);
        expect(done).toMatchObject(UNPAID);
        expect(done?.receipt).toBeUndefined();
        expect(deleted).toEqual([sampleImage(job.id).key]);
        expect((await ledger.totals()).granted).toBe(10 * PRICE);
      },
    );

    test('a refusal that may not be the whole truth is believed the third time', async ({
      jobs,
      clock,
    }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      chain.next = 'refuses';
      for (const refusals of [1, 2]) {
        const after = await collect(job.id);
        expect(after).toMatchObject({ status: 'processing', payment: { refusals } });
        clock.advance(MINUTE);
      }
      expect(await collect(job.id)).toMatchObject(UNPAID);
    });

    test('a transfer that was refused and happened all the same is found', async ({
      jobs,
      clock,
    }) => {
      const payment = samplePayment();
      const job = await makeJob(jobs, payment);
      const { chain, collect } = payments({ jobs, clock });
      chain.next = 'refuses';
      await collect(job.id);
      chain.next = 'settles';
      await chain.settle(payment);
      chain.next = 'refuses';
      expect(await collect(job.id)).toMatchObject({
        status: 'succeeded',
        payment: { attempts: 1 },
      });
      expect(chain.balanceOf(PAY_TO)).toBe(PRICE);
    });

    test('a refusal after a lost answer is no end before the payment has expired', async ({
      jobs,
      clock,
    }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      chain.next = 'fails';
      await collect(job.id);
      chain.next = 'refuses';
      clock.advance(MINUTE);
      expect((await collect(job.id))?.status).toBe('processing');
      clock.advance(20 * MINUTE);
      expect(await collect(job.id)).toMatchObject({ payment: { state: 'unsettled', attempts: 2 } });
    });

    test('without the chain nothing is asked for, and nothing ends', async ({ jobs, clock }) => {
      const job = await makeJob(jobs);
      const { chain, collect } = payments({ jobs, clock });
      chain.isUp = false;
      expect(await collect(job.id)).toMatchObject({
        status: 'processing',
        payment: { state: 'verified', attempts: 0, nextAt: NOW + 2000 },
      });
      clock.advance(DAY);
      expect((await collect(job.id))?.status).toBe('processing');
      expect(chain.asked).toBe(0);
      chain.isUp = true;
      clock.advance(MINUTE);
      expect((await collect(job.id))?.payment?.state).toBe('unsettled');
    });

    test('a job that made nothing releases its payment', async ({ jobs, ledger }) => {
      const admission = paidAdmission();
      await jobs.admit(admission);
      const before = await allEntries(ledger, ACCOUNT);
      const { job } = await jobs.settle(sampleSettlement(admission.job));
      expect(job).toMatchObject({ status: 'failed', payment: { state: 'released' } });
      expect(job?.payment).not.toHaveProperty('signed');
      expect(await allEntries(ledger, ACCOUNT)).toEqual(before);
    });

    test('unpaid work is limited by payer and by address, until it is paid for', async ({
      jobs,
      clock,
    }) => {
      const { chain, collect } = payments({ jobs, clock });
      const [first] = [await makeJob(jobs), await makeJob(jobs)];
      const order = (change: Partial<JobPayment> = {}) =>
        jobs.admit(paidAdmission(samplePayment(change)));
      expect(await order()).toEqual({ outcome: 'unpaid-work', of: 'payer' });
      const stranger = { payer: `0x${'9'.repeat(40)}` };
      const admitted = await order(stranger);
      expect(admitted.outcome).toBe('admitted');
      expect(await order(stranger)).toEqual({ outcome: 'unpaid-work', of: 'address' });
      await collect(first.id);
      expect((await order()).outcome).toBe('admitted');
      if (admitted.outcome !== 'admitted') return;
      await jobs.settle(sampleSettlement(admitted.job));
      expect((await order(stranger)).outcome).toBe('admitted');
      expect(chain.balanceOf(PAY_TO)).toBe(PRICE);
    });

    test('what was not paid counts for the rest of the day', async ({ jobs, clock }) => {
      const { chain, collect } = payments({ jobs, clock });
      chain.give(PAYER, 0);
      for (const job of [await makeJob(jobs), await makeJob(jobs)]) await collect(job.id);
      const refused = await jobs.admit(paidAdmission());
      expect(refused).toEqual({ outcome: 'unpaid-work', of: 'payer' });
      const tomorrow = paidAdmission();
      const createdAt = NOW + DAY;
      const result = await jobs.admit({
        ...tomorrow,
        job: { ...tomorrow.job, id: sampleId(createdAt) as JobId, createdAt },
      });
      expect(result.outcome).toBe('admitted');
    });
  });
}
