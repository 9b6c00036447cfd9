import { toIso } from '#shared/core/clock.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { type JobPayment, paymentReference } from '#shared/core/payment.ts';
import { payerAccount, payerAudit, payerKey } from '#shared/service/domain/payments/payer.ts';
import { allEntries } from '#test/helpers/invariant.ts';
import { MINUTE, PRICE } from '#test/helpers/samples.ts';
import { DEADLINE_MS, sampleOrder } from '#test/helpers/world.ts';
import { must, mustBe } from './must.ts';
import type { Random } from './random.ts';
import type { SimulatedChain } from './simulated-chain.ts';
import type { SimulatedWorld } from './worlds/world.ts';

const PAY_TO = `0x${'f'.repeat(40)}`;
const WALLETS = [`0x${'1'.repeat(40)}`, `0x${'2'.repeat(40)}`] as const;
/** Both wallets order from one address. */
const ADDRESS = '192.0.2.1';
const LIMITS = { payer: 3, address: 4 };
const FULL = 50 * PRICE;
/** As the protocol asks for it: what its job may take, and the settlement. */
const VALID_MS = DEADLINE_MS + 5 * MINUTE;
/** Rounds of the sweep in which each payment must have ended: its own end is among them. */
const ROUNDS = 12;

interface Purchase {
  readonly payment: JobPayment;
  readonly bodyHash: string;
  job?: JobId;
  /** An answer got lost: there may be a job that it would have named. */
  isLost?: boolean;
}

/** Callers without an account, who sign a transfer for each order, and do with it what they like. */
export function createPayers(world: SimulatedWorld, chain: SimulatedChain) {
  const purchases: Purchase[] = [];
  /** As they were when they had ended: nothing of them changes but that their data goes. */
  const ended = new Map<JobId, Job>();
  for (const wallet of WALLETS) chain.give(wallet, FULL);
  const accounts = WALLETS.map((payer) => payerAccount({ network: 'eip155:1', payer }, 0).id);

  const send = async (purchase: Purchase, bodyHash?: string): Promise<void> => {
    purchase.isLost = true;
    await submit(purchase, bodyHash);
    purchase.isLost = false;
  };

  const submit = async (purchase: Purchase, bodyHash = purchase.bodyHash): Promise<void> => {
    const { payment } = purchase;
    const { services, clock } = world;
    const account = payerAccount(payment, clock.now());
    await services.ports.ledger.createAccount(
      account,
      payerAudit(account, `audit-${payment.nonce.slice(-12)}`, clock.now()),
    );
    const key = payerKey(account);
    const result = await services.admission.submit({
      ...sampleOrder({ key, bodyHash }),
      payment,
      unpaidLimits: LIMITS,
    });
    if (result.outcome === 'admitted' || result.outcome === 'replayed') {
      const { id } = result.job;
      must(purchase.job === undefined || purchase.job === id, `payment of ${id} has two jobs`);
      mustBe(bodyHash, purchase.bodyHash, `a body that payment of ${id} does not pay for`);
      purchase.job = id;
    }
  };

  const any = (random: Random): Purchase | undefined => purchases[random.below(purchases.length)];
  const read = async (): Promise<readonly Job[]> => {
    for (const purchase of purchases) {
      if (purchase.job !== undefined || !purchase.isLost) continue;
      const reference = paymentReference(purchase.payment);
      const found = await world.stores.jobs.findByScope(reference, world.clock.now());
      if (found !== undefined) purchase.job = found.id;
    }
    const ids = purchases.flatMap(({ job }) => job ?? []);
    const jobs = await Promise.all(ids.map((id) => ended.get(id) ?? world.stores.jobs.get(id)));
    return jobs.filter((job) => job !== undefined);
  };

  const expectCaps = (jobs: readonly Job[]): void => {
    const today = toIso(world.clock.now()).slice(0, 10);
    const isUnpaid = ({ status, payment, completedAt = 0 }: Job) =>
      !isTerminal(status) ||
      (payment?.state === 'unsettled' && toIso(completedAt).slice(0, 10) === today);
    const unpaid = jobs.filter(isUnpaid);
    must(unpaid.length <= LIMITS.address, `${unpaid.length} unpaid orders from one address`);
    for (const wallet of WALLETS) {
      const own = unpaid.filter(({ payment }) => payment?.payer === wallet).length;
      must(own <= LIMITS.payer, `${own} unpaid orders of one wallet`);
    }
  };

  const expectPaid = (job: Job): void => {
    const { id, status, payment, images, cost } = job;
    must(payment !== undefined, `job ${id} has lost its payment`);
    const transaction = payment && chain.transactionOf(payment);
    const isMade = payment?.made !== undefined;
    if (!isTerminal(status)) {
      mustBe(images.length, 0, `images of job ${id} before it is paid`);
      must(transaction === undefined || isMade, `job ${id} was paid before it was made`);
      return;
    }
    const isSettled = payment?.state === 'settled';
    mustBe(status === 'succeeded', isSettled, `an image of job ${id}, and its payment`);
    mustBe(cost, (isSettled ? PRICE : 0) as typeof cost, `what job ${id} says that it cost`);
    mustBe(payment?.transaction, transaction, `the transaction that paid for job ${id}`);
    if (!isSettled) mustBe(images.length, 0, `images of job ${id}, which was not paid`);
  };

  /** The ledger has what the chain has, but for what is not written yet. */
  const expectLedger = async (jobs: readonly Job[]): Promise<void> => {
    for (const [i, account] of accounts.entries()) {
      const totals = await world.stores.ledger.totals(account as AccountId);
      const settled = jobs.filter(
        ({ payment }) => payment?.state === 'settled' && payment.payer === WALLETS[i],
      ).length;
      mustBe(totals.granted, (settled * PRICE) as typeof totals.granted, `paid by ${account}`);
      mustBe(totals.captured, totals.granted, `spent by ${account}`);
      mustBe(totals.balances + totals.held + totals.owed, 0, `left to ${account}`);
    }
  };

  return {
    async order(random: Random): Promise<void> {
      const number = purchases.length;
      const purchase: Purchase = {
        bodyHash: `paid${random.below(2)}`.padStart(64, '0'),
        payment: {
          state: 'verified',
          network: 'eip155:1',
          asset: `0x${'c'.repeat(40)}`,
          payTo: PAY_TO,
          payer: random.pick(WALLETS),
          nonce: `0x${String(number).padStart(64, '0')}`,
          amount: PRICE,
          validBefore: Math.floor((world.clock.now() + VALID_MS) / 1000),
          signed: '{}',
          address: ADDRESS,
          attempts: 0,
        },
      };
      purchases.push(purchase);
      await send(purchase);
    },

    /** The same payment again, for the same order or another. */
    async retry(random: Random): Promise<void> {
      const purchase = any(random);
      if (purchase === undefined) return;
      if (random.chance(0.7) || purchase.job === undefined) await send(purchase);
      else await send(purchase, 'another'.padStart(64, '0'));
    },

    async ask(random: Random): Promise<void> {
      const id = any(random)?.job;
      if (id !== undefined) await world.services.settlement.reconcile(id);
    },

    async cancel(random: Random): Promise<void> {
      const id = any(random)?.job;
      if (id !== undefined) await world.services.settlement.cancelJob(id);
    },

    /** Owners of wallets do as they please; what nobody answered for reaches the chain. */
    async meddle(random: Random): Promise<void> {
      const what = random.below(6);
      const payment = any(random)?.payment;
      if (what === 0 && payment !== undefined) chain.withdraw(payment);
      else if (what === 1) chain.give(random.pick(WALLETS), 0);
      else if (what === 2) chain.give(random.pick(WALLETS), FULL);
      else chain.land(random);
    },

    async check(): Promise<void> {
      const jobs = await read();
      for (const job of jobs) {
        if (!ended.has(job.id)) expectPaid(job);
        if (isTerminal(job.status)) ended.set(job.id, job);
      }
      expectCaps(jobs);
      await expectLedger(jobs);
    },

    /** Nothing fails any more: each payment has ended, and chain and ledger agree to the unit. */
    async finish(): Promise<void> {
      for (let round = 0; round < ROUNDS; round++) {
        world.clock.advance(MINUTE);
        await world.services.sweep.sweep(world.clock.now());
      }
      ended.clear();
      const jobs = await read();
      for (const { id, status } of jobs) {
        must(isTerminal(status), `job ${id} is ${status}, and its payment open, when all is over`);
      }
      await this.check();
      const paid = jobs.filter(({ payment }) => payment?.state === 'settled').length * PRICE;
      mustBe(chain.balanceOf(PAY_TO), paid, 'what the chain has, and the ledger');
      for (const account of accounts) {
        const entries = await allEntries(world.stores.ledger, account);
        const references = entries.flatMap(({ reference }) => reference ?? []);
        mustBe(new Set(references).size, references.length, `payments of ${account}, each once`);
      }
    },

    /** What came in by payments of this kind. */
    paid: () => chain.balanceOf(PAY_TO),
  };
}
