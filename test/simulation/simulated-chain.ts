import type { JobPayment } from '#shared/core/payment.ts';
import type { PaymentGateway } from '#shared/service/ports/payment-gateway.ts';
import { InjectedFault } from '#test/helpers/faults.ts';
import type { Random } from './random.ts';
import type { Weather } from './worlds/world.ts';

/**
 * A chain that lets each nonce through once, and a facilitator in front of it that refuses without a
 * reason, or does not answer, and sends the transfer later all the same.
 */
export function createSimulatedChain(weather: Weather, now: () => number) {
  const balances = new Map<string, number>();
  /** What used a nonce: a transaction, or the payer himself. */
  const used = new Map<string, string | undefined>();
  const late: JobPayment[] = [];
  let height = 100;
  const balanceOf = (address: string): number => balances.get(address) ?? 0;

  const transfer = (payment: JobPayment): string | undefined => {
    const { payer, payTo, amount, nonce, validBefore } = payment;
    if (used.has(nonce) || now() / 1000 >= validBefore || balanceOf(payer) < amount)
      return undefined;
    balances.set(payer, balanceOf(payer) - amount);
    balances.set(payTo, balanceOf(payTo) + amount);
    const transaction = `0x${String(++height).padStart(64, '0')}`;
    used.set(nonce, transaction);
    return transaction;
  };

  const gateway: PaymentGateway = {
    async settle(payment) {
      const { random } = weather;
      if (random?.chance(0.1)) {
        return { kind: 'refused', reason: 'a transaction failed', isSure: false };
      }
      if (random?.chance(0.15)) {
        late.push(payment);
        throw new InjectedFault('the facilitator does not answer');
      }
      const transaction = transfer(payment);
      if (transaction !== undefined) return { kind: 'settled', transaction };
      return { kind: 'refused', reason: 'the wallet does not have the amount', isSure: true };
    },
    async find({ nonce }) {
      if (!used.has(nonce)) return { kind: 'unused', at: Math.floor(now() / 1000) };
      const transaction = used.get(nonce);
      return transaction === undefined ? { kind: 'spent' } : { kind: 'paid', transaction };
    },
    height: async () => height,
  };

  return {
    gateway,
    balanceOf,
    give: (address: string, amount: number) => void balances.set(address, amount),
    /** The payer withdraws what he has signed, unless it was used. */
    withdraw({ nonce }: Pick<JobPayment, 'nonce'>): void {
      if (!used.has(nonce)) used.set(nonce, undefined);
    },
    /** A transfer that nobody answered for reaches the chain. */
    land(random: Random): void {
      const [payment] = late.splice(random.below(late.length), 1);
      if (payment !== undefined) transfer(payment);
    },
    /** How many nonces were used. */
    uses: () => used.size,
    /** The transaction that moved a payment's money, if any did. */
    transactionOf: ({ nonce }: Pick<JobPayment, 'nonce'>) => used.get(nonce),
  };
}

export type SimulatedChain = ReturnType<typeof createSimulatedChain>;
