import { jsonText } from '#functions/api/http/answer.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import { PredictionSchema } from './prediction-schema.ts';

/** How long an ended prediction's text, with the URLs in it, is reused. */
const REUSE_MS = 60_000;
/** The largest share of their lifetime that URLs in a reused text may have spent. */
const SPENT_SHARE = 0.25;

interface Kept {
  readonly origin: string;
  readonly madeAt: number;
  /** What an open job's text says of its progress. */
  readonly estimate: Estimate | undefined;
  readonly text: string;
}

/**
 * A prediction as JSON text. Clients ask twice a second, and an ended job never changes: its text is
 * kept as long as the job itself is in memory. That of an open job is good for as long as the estimate
 * in it, a second at most.
 */
export function createPredictionText(
  deps: Pick<RouteDeps, 'clock' | 'settings' | 'estimator' | 'presenter'>,
) {
  const texts = new WeakMap<Job, Kept>();
  const reuseMs = Math.min(REUSE_MS, deps.settings.urlTtlMs * SPENT_SHARE);

  return async (job: Job, origin: string): Promise<string> => {
    const now = deps.clock.now();
    const estimate = isTerminal(job.status) ? undefined : await deps.estimator.estimate(job);
    const kept = texts.get(job);
    const isGood = kept?.origin === origin && kept.estimate === estimate;
    if (kept !== undefined && isGood && now - kept.madeAt < reuseMs) return kept.text;
    const text = jsonText(PredictionSchema, await deps.presenter.present(job, origin, estimate));
    texts.set(job, { origin, madeAt: now, estimate, text });
    return text;
  };
}
