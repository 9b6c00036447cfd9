import { BASE, call, Problem, pathOf } from '#functions/api/browser/api.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

/** Time between two polls, without an event stream and with one. */
const POLL_MS = 500;
const STREAMED_POLL_MS = 2000;
/** How long to wait for a server that can't be reached. */
const PATIENCE_MS = 60_000;

export interface Watcher {
  update(prediction: Prediction): void;
  /** The connection is gone (true) or back. */
  disconnected(isGone: boolean): void;
}

/**
 * Waits for the end of a prediction, showing each change: by the event stream, or by asking where
 * there is none. A connection that is lost for a while does not end it.
 *
 * @throws Problem for an answer that polling again can't change, or a server that stays unreachable
 */
export async function follow(
  created: Prediction,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<Prediction> {
  const changes = createChanges(created, signal);
  let latest = created;
  let lostAt: number | undefined;
  let waitMs = 0;
  try {
    while (!isOver(latest) && !signal.aborted) {
      await changes.next(Math.max(waitMs, changes.streaming() ? STREAMED_POLL_MS : POLL_MS));
      if (signal.aborted) break;
      try {
        latest = await call<Prediction>('GET', `/v1/predictions/${created.id}`);
        waitMs = 0;
        if (lostAt !== undefined) watcher.disconnected(false);
        lostAt = undefined;
        if (!isOver(latest)) watcher.update(latest);
      } catch (problem) {
        lostAt ??= Date.now();
        if (!isPassing(problem) || Date.now() - lostAt > PATIENCE_MS) throw problem;
        waitMs = (problem.retryAfterSeconds ?? 1) * 1000;
        if (problem.status === 0) watcher.disconnected(true);
      }
    }
    return latest;
  } finally {
    changes.close();
  }
}

export function isOver(prediction: Prediction): boolean {
  return ['succeeded', 'failed', 'canceled'].includes(prediction.status);
}

/** Answers that say nothing about the prediction: no connection, too many requests, a restart. */
function isPassing(problem: unknown): problem is Problem {
  if (!(problem instanceof Problem)) return false;
  return problem.status === 0 || problem.status === 429 || problem.status >= 502;
}

function createChanges({ urls }: Prediction, signal: AbortSignal) {
  const stream =
    urls.stream === undefined ? undefined : new EventSource(BASE + pathOf(urls.stream));
  let wake: () => void = () => undefined;
  const listen = () => wake();
  for (const event of ['phase', 'logs', 'output', 'done']) stream?.addEventListener(event, listen);
  signal.addEventListener('abort', listen);
  return {
    streaming: () => stream?.readyState === EventSource.OPEN,
    /** Resolves at the next event, or after `mostMs`. */
    next: (mostMs: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, mostMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    close() {
      stream?.close();
      signal.removeEventListener('abort', listen);
    },
  };
}
