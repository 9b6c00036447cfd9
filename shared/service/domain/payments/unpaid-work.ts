import { toIso } from '#shared/core/clock.ts';
import type { JobPayment } from '#shared/core/payment.ts';
import type { UnpaidLimits } from '#shared/service/ports/job-store.ts';

/** Work that is not paid for: open, and not paid in the end on the UTC day that is named. */
export interface UnpaidCount {
  readonly open: number;
  readonly failed: number;
  readonly day: string;
}

/** A count that work is counted under, and how much it may come to. */
export interface UnpaidShare {
  readonly of: keyof UnpaidLimits;
  readonly name: string;
}

/** Under which names a payment's work is counted. */
export function unpaidShares(payment: JobPayment): readonly UnpaidShare[] {
  const payer: UnpaidShare = { of: 'payer', name: `payer:${payment.network}:${payment.payer}` };
  if (payment.address === undefined) return [payer];
  return [payer, { of: 'address', name: `address:${payment.address}` }];
}

/** The count with one job more; undefined where that is above the limit. */
export function takeUnpaid(
  before: UnpaidCount | undefined,
  at: number,
  limit: number,
): UnpaidCount | undefined {
  const { open, failed, day } = asOf(before, at);
  return open + failed >= limit ? undefined : { open: open + 1, failed, day };
}

/** The count once a job has ended; what was not paid stays in it until the day is over. */
export function endUnpaid(
  before: UnpaidCount | undefined,
  at: number,
  isUnpaid: boolean,
): UnpaidCount {
  const { open, failed, day } = asOf(before, at);
  return { open: Math.max(0, open - 1), failed: failed + Number(isUnpaid), day };
}

function asOf(before: UnpaidCount | undefined, at: number): UnpaidCount {
  const day = toIso(at).slice(0, 10);
  return { open: before?.open ?? 0, failed: before?.day === day ? before.failed : 0, day };
}
