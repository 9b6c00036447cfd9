import { answerJson } from '#functions/api/http/answer.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { parsePreferWait } from '#functions/api/http/prefer.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { assertPaid, paymentHeaders } from '#functions/api/payments/payment-headers.ts';
import { asStarting } from '#shared/service/domain/present-prediction.ts';
import type { Submitted } from './prediction-intake.ts';
import { PredictionSchema } from './prediction-schema.ts';

/** Answers a create: at once, or when the job has ended or the time that `Prefer` allows is over. */
export async function answerCreated(
  c: ApiContext,
  deps: RouteDeps,
  { job, replayHeaders }: Submitted,
): Promise<Response> {
  const waitMs = parsePreferWait(c.req.header('prefer'), deps.settings.maxWaitMs);
  const { origin } = c.get('facts');
  if (waitMs === undefined) {
    assertPaid(job);
    const prediction = await deps.present(job, origin);
    return answerJson(c, 201, PredictionSchema, prediction, {
      location: prediction.urls.get,
      ...replayHeaders,
      ...paymentHeaders(job),
    });
  }
  const latest = await deps.watcher.waitForEnd(job, waitMs, c.req.raw.signal);
  const last = latest ?? job;
  assertPaid(last);
  const prediction = asStarting(await deps.present(last, origin));
  return answerJson(c, 201, PredictionSchema, prediction, {
    location: prediction.urls.get,
    ...replayHeaders,
    ...paymentHeaders(last),
    'preference-applied': `wait=${Math.ceil(waitMs / 1000)}`,
  });
}
