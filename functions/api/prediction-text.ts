import { isTerminal, type Job } from '#shared/core/job.ts';
import type { Presenter } from '#shared/domain/present-prediction.ts';
import type { ApiDeps } from './deps.ts';

/** How long an ended prediction's text, with the URLs in it, is given out again. */
const REUSE_MS = 60_000;
/** The most of their time that the URLs in a text have spent when it is given out again. */
const SPENT_SHARE = 0.25;

interface Kept {
  readonly origin: string;
  readonly madeAt: number;
  readonly text: string;
}

/**
 * A prediction as JSON text. Clients ask twice a second, and an ended job never changes: its text is
 * kept as long as somebody holds the job itself in memory.
 */
export function createPredictionText(
  deps: Pick<ApiDeps, 'clock' | 'settings'>,
  presenter: Pick<Presenter, 'present'>,
) {
  const texts = new WeakMap<Job, Kept>();
  const reuseMs = Math.min(REUSE_MS, deps.settings.urlTtlMs * SPENT_SHARE);

  return async (job: Job, origin: string): Promise<string> => {
    if (!isTerminal(job.status)) return JSON.stringify(await presenter.present(job, origin));
    const now = deps.clock.now();
    const kept = texts.get(job);
    if (kept !== undefined && kept.origin === origin && now - kept.madeAt < reuseMs) {
      return kept.text;
    }
    const text = JSON.stringify(await presenter.present(job, origin));
    texts.set(job, { origin, madeAt: now, text });
    return text;
  };
}
