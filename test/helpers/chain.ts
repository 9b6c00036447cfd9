import type { JobPayment } from '#shared/core/payment.ts';
import type { PaymentGateway } from '#shared/service/ports/payment-gateway.ts';

/** What a facilitator does when it is asked. `loses-answer`: the money moves, and nobody hears of it. */
export type Asked = 'settles' | 'loses-answer' | 'refuses' | 'fails';

/** A chain in memory that lets each nonce through once, and a facilitator in front that can fail. */
export class Chain implements PaymentGateway {
  asked = 0;
  next: Asked = 'settles';
  /** Whether the node answers. */
  isUp = true;
  readonly #now: () => number;
  readonly #used = new Map<string, string | undefined>();
  readonly #balances = new Map<string, number>();
  #height = 100;

  constructor(now: () => number) {
    this.#now = now;
  }

  balanceOf(address: string): number {
    return this.#balances.get(address) ?? 0;
  }

  give(address: string, amount: number): void {
    this.#balances.set(address, amount);
  }

  /** The payer uses the nonce for something else. */
  withdraw({ nonce }: Pick<JobPayment, 'nonce'>): void {
    this.#used.set(nonce, undefined);
  }

  async settle(payment: JobPayment) {
    this.asked++;
    if (this.next === 'fails') throw new Error('the facilitator does not answer');
    if (this.next === 'refuses') {
      return { kind: 'refused', reason: 'a transaction failed', isSure: false } as const;
    }
    const transaction = this.#transfer(payment);
    if (this.next === 'loses-answer') throw new Error('the answer got lost');
    return transaction === undefined
      ? ({ kind: 'refused', reason: 'insufficient balance', isSure: true } as const)
      : ({ kind: 'settled', transaction } as const);
  }

  async find({ nonce }: JobPayment) {
    this.#assertUp();
    if (!this.#used.has(nonce)) {
      return { kind: 'unused', at: Math.floor(this.#now() / 1000) } as const;
    }
    const transaction = this.#used.get(nonce);
    return transaction === undefined
      ? ({ kind: 'spent' } as const)
      : ({ kind: 'paid', transaction } as const);
  }

  async height(): Promise<number> {
    this.#assertUp();
    return this.#height;
  }

  #assertUp(): void {
    if (!this.isUp) throw new Error('the node does not answer');
  }

  #transfer({ payer, payTo, amount, nonce, validBefore }: JobPayment): string | undefined {
    const isVoid = this.#used.has(nonce) || this.#now() / 1000 >= validBefore;
    if (isVoid || this.balanceOf(payer) < amount) return undefined;
    this.give(payer, this.balanceOf(payer) - amount);
    this.give(payTo, this.balanceOf(payTo) + amount);
    const transaction = `0x${String(++this.#height).padStart(64, '0')}`;
    this.#used.set(nonce, transaction);
    return transaction;
  }
}
