import type { ApiDeps } from '#functions/api/http/deps.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import type { Presenter } from '#shared/service/domain/present-prediction.ts';

/** How long an ended prediction's text, with the URLs in it, is given out again. */
const REUSE_MS = 60_000;
/** The most of their time that the URLs in a text have spent when it is given out again. */
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
 * kept as long as somebody holds the job itself in memory. That of an open job holds as long as the
 * estimate in it, a second at most.
 */
export function createPredictionText(
  deps: Pick<ApiDeps, 'clock' | 'settings' | 'estimator'>,
  presenter: Pick<Presenter, 'present'>,
) {
  const texts = new WeakMap<Job, Kept>();
  const reuseMs = Math.min(REUSE_MS, deps.settings.urlTtlMs * SPENT_SHARE);

  return async (job: Job, origin: string): Promise<string> => {
    const now = deps.clock.now();
    const estimate = isTerminal(job.status) ? undefined : await deps.estimator.estimate(job);
    const kept = texts.get(job);
    const isGood = kept?.origin === origin && kept.estimate === estimate;
    if (kept !== undefined && isGood && now - kept.madeAt < reuseMs) return kept.text;
    const text = JSON.stringify(await presenter.present(job, origin));
    texts.set(job, { origin, madeAt: now, estimate, text });
    return text;
  };
}
