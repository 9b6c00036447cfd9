import type { ApiContext } from '#functions/api/http/context.ts';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import { assertPaid } from '#functions/api/payments/payment-headers.ts';
import { AppError } from '#shared/core/errors.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';

type WaitDeps = Pick<ApiDeps, 'watcher' | 'jobs' | 'settings' | 'clock' | 'estimator'>;

/**
 * For callers that can't poll: waits for the job's end as long as a call may last. A job that takes
 * longer is kept for the grace time, in which a retry of the same order finds it.
 *
 * @throws AppError `model-loading` with `Retry-After` when it has not ended; the job's own error when
 *   it failed; `canceled`
 */
export async function finishedJob(c: ApiContext, deps: WaitDeps, job: Job): Promise<Job> {
  const { maxWaitMs, attachGraceMs } = deps.settings;
  if (job.attachBy !== undefined && !isTerminal(job.status)) {
    await deps.jobs.extendAttach(job.id, deps.clock.now() + maxWaitMs + attachGraceMs);
  }
  const latest = (await deps.watcher.waitForEnd(job, maxWaitMs, c.req.raw.signal)) ?? job;
  if (!isTerminal(latest.status)) {
    await deps.jobs.extendAttach(job.id, deps.clock.now() + attachGraceMs);
    // A caller with an idempotency key finds the job by that.
    if (c.req.header('idempotency-key') === undefined) await deps.jobs.park(job.id);
    const { phase, etaSeconds } = await deps.estimator.estimate(latest);
    throw new AppError(
      'model-loading',
      `The image is not ready (${phase}, about ${etaSeconds} s to go). Send the same request again; it will not be charged twice.`,
      {
        retryable: true,
        details: { retry_after: Math.min(etaSeconds, 30), prediction: job.id },
      },
    );
  }
  if (latest.status === 'canceled') {
    throw new AppError('canceled', 'The prediction was cancelled.', {
      details: { prediction: job.id },
    });
  }
  assertPaid(latest);
  if (latest.status === 'failed') {
    const { code, message } = latest.error ?? { code: 'model-error' as const, message: '' };
    throw new AppError(code, message, { details: { prediction: job.id } });
  }
  return latest;
}
