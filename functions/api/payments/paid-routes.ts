import { z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { PredictionSchema } from '#functions/api/predictions/prediction-schema.ts';
import { AppError } from '#shared/core/errors.ts';
import { isUlid, type JobId } from '#shared/core/ids.ts';
import { isToCollect, type Job } from '#shared/core/job.ts';
import { PAID_PREFIX } from '#shared/core/payable-paths.ts';
import { judgeStreamToken } from '#shared/service/domain/stream-link.ts';
import { paymentHeaders } from './payment-headers.ts';

const PaidParams = z.object({ id: z.string(), token: z.string() });

/** `GET /paid/{id}/{token}` and its cancel: a prediction that was paid for without an account. */
export const registerPaid: RegisterRoutes = (app, deps) => {
  if (deps.payments === undefined) return;
  const route = {
    params: PaidParams,
    returns: 'The prediction; PAYMENT-RESPONSE says what became of its payment',
    answer: PredictionSchema,
    failures: [404, 410],
  };

  jsonRoute(app, deps, {
    ...route,
    method: 'get',
    path: `${PAID_PREFIX}{id}/{token}`,
    operationId: 'getPaidPrediction',
    summary: 'Get a prediction that was paid for with x402; its urls.get',
    async handle(c, { params }) {
      const found = await linkedJob(deps, params);
      // Where no other process is at it, who asks sees to it.
      const isDue = isToCollect(found, deps.clock.now());
      const job = isDue ? ((await deps.settlement.reconcile(found.id)) ?? found) : found;
      const prediction = await deps.present(job, c.get('facts').origin);
      return answerJson(c, 200, PredictionSchema, prediction, paymentHeaders(job));
    },
  });

  jsonRoute(app, deps, {
    ...route,
    method: 'post',
    path: `${PAID_PREFIX}{id}/{token}/cancel`,
    operationId: 'cancelPaidPrediction',
    summary: 'Cancel a prediction that was paid for with x402; one that was not made costs nothing',
    async handle(c, { params }) {
      const job = await linkedJob(deps, params);
      const { runningCancelsPerHour } = deps.settings;
      const asked = (await deps.settlement.cancelJob(job.id, runningCancelsPerHour)) ?? job;
      const prediction = await deps.present(asked, c.get('facts').origin);
      return answerJson(c, 200, PredictionSchema, prediction, paymentHeaders(asked));
    },
  });
};

/**
 * @throws AppError `not-found` for a link that is not ours, and for a job that another way pays for;
 *   `gone` once the link has expired
 */
async function linkedJob(
  deps: Pick<RouteDeps, 'streamMac' | 'clock' | 'jobs'>,
  { id, token }: z.output<typeof PaidParams>,
): Promise<Job> {
  const verdict = isUlid(id)
    ? judgeStreamToken(deps.streamMac, id as JobId, token, deps.clock.now())
    : 'forged';
  if (verdict === 'expired') throw new AppError('gone', 'This link has expired.');
  const job = verdict === 'good' ? await deps.jobs.get(id as JobId) : undefined;
  if (job?.payment === undefined) throw notFound('prediction', id);
  return job;
}
