import { AppError } from '#shared/core/errors.ts';
import type { Job } from '#shared/core/job.ts';
import { isFinal, type JobPayment } from '#shared/core/payment.ts';

/** What became of a job's payment, as x402's clients read it; empty while that is open. */
export function paymentHeaders({
  payment,
}: Pick<Job, 'payment'>): Readonly<Record<string, string>> {
  const receipt = payment && receiptOf(payment);
  return receipt === undefined
    ? {}
    : { 'payment-response': receipt, 'x-payment-response': receipt };
}

/**
 * Throws where a job has ended for want of its payment.
 *
 * @throws AppError `payment-invalid`
 */
export function assertPaid(job: Job): void {
  const { payment } = job;
  if (payment?.state !== 'unsettled') return;
  throw new AppError('payment-invalid', job.error?.message ?? 'The payment could not be settled.', {
    details: { prediction: job.id, payment_response: receiptOf(payment) },
  });
}

/** The protocol's settlement response, for its header. */
function receiptOf(payment: JobPayment): string | undefined {
  if (!isFinal(payment) || payment.state === 'released') return undefined;
  const { network, payer, transaction = '', failure } = payment;
  const response =
    payment.state === 'settled'
      ? { success: true, transaction, network, payer }
      : { success: false, errorReason: failure, transaction, network, payer };
  return Buffer.from(JSON.stringify(response)).toString('base64');
}
