import { applyCardEvent, MICRO_USD_PER_CENT } from '#shared/service/domain/topups/card-events.ts';
import type { CardEvent, CardPayment } from '#shared/service/ports/card-desk.ts';
import { InjectedFault } from '#test/helpers/faults.ts';
import { mustBe } from './must.ts';
import type { Random } from './random.ts';
import { ACCOUNTS, type SimulatedWorld, type Weather } from './worlds/world.ts';

const [FIRST, SECOND, THIRD] = ACCOUNTS as unknown as readonly [Id, Id, Id];
type Id = (typeof ACCOUNTS)[number];

interface Sale {
  readonly payment: CardPayment & { readonly account: Id };
  /** Cents that nobody has taken back yet. */
  left: number;
}
type Taken = Extract<CardEvent, { kind: 'taken-back' }>;

/** Payments by card, refunds in parts and disputes; their events come late, twice and in any order. */
export function createCards(world: SimulatedWorld, weather: Weather) {
  const sales: Sale[] = [];
  const taken: Taken[] = [];
  const returned = new Set<Taken>();
  /** All that the processor has to tell. */
  const events: CardEvent[] = [];

  const desk = {
    async payment(id: string) {
      if (weather.random?.chance(0.1)) throw new InjectedFault('the processor does not answer');
      const sale = sales.find(({ payment }) => payment.id === id);
      if (sale === undefined) throw new Error(`there is no payment ${id}`);
      return sale.payment;
    },
  };
  const hear = async (event: CardEvent): Promise<void> => {
    const { ports } = world.services;
    await applyCardEvent(
      { ledger: ports.ledger, desk, clock: world.clock, randomBytes: world.randomBytes },
      event,
    );
  };
  /** Most events are heard when they are sent, some only later. */
  const tell = async (event: CardEvent, random: Random): Promise<void> => {
    events.push(event);
    if (random.chance(0.7)) await hear(event);
  };
  const cents = (list: readonly { readonly cents: number }[]) =>
    list.reduce((sum, one) => sum + one.cents, 0) * MICRO_USD_PER_CENT;

  return {
    async pay(random: Random): Promise<void> {
      const payment = {
        id: `pi_${sales.length}`,
        account: random.pick([FIRST, SECOND, THIRD, THIRD]),
        cents: 1 + random.below(3),
        currency: 'usd',
        isPaid: true,
      } as const;
      sales.push({ payment, left: payment.cents });
      await tell({ kind: 'paid', payment }, random);
    },

    /** A part of what is left, or by a dispute all of it. */
    async takeBack(random: Random): Promise<void> {
      const sale = sales[random.below(sales.length)];
      if (sale === undefined || sale.left === 0) return;
      const isDispute = random.chance(0.3);
      const event: Taken = {
        kind: 'taken-back',
        what: isDispute ? 'dispute' : 'refund',
        id: `${isDispute ? 'dp' : 're'}_${taken.length}`,
        payment: sale.payment.id,
        cents: isDispute ? sale.left : 1 + random.below(sale.left),
        currency: 'usd',
      };
      sale.left -= event.cents;
      taken.push(event);
      await tell(event, random);
    },

    /** A dispute is won, or a refund fails. */
    async giveBack(random: Random): Promise<void> {
      const event = taken[random.below(taken.length)];
      if (event === undefined || returned.has(event)) return;
      returned.add(event);
      await tell({ ...event, kind: 'given-back' }, random);
    },

    async tellAgain(random: Random): Promise<void> {
      const event = events[random.below(events.length)];
      if (event !== undefined) await hear(event);
    },

    /** The processor sends its events until they are heard, the latest first. */
    async finish(): Promise<void> {
      for (const event of [...events].reverse()) await hear(event);
      const { reversed } = await world.stores.ledger.totals();
      mustBe(reversed as number, cents(taken), 'what was taken back, each part once');
    },

    /** What came in: payments, and what was given back of them. */
    granted: () => cents(sales.map(({ payment }) => payment)) + cents([...returned]),
  };
}
