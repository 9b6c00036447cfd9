import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import { type StreamEvent, streamEvents } from './stream-events.ts';

/** How often an open job is looked at, and how long a stream may stay silent. */
const LOOK_MS = 500;
const IDLE_MS = 15_000;
/** All streams of a process together look so often: ten thousand that wait take less than a tenth of it. */
const LOOKS_PER_SECOND = 1_000;

/** Streams that this process holds open. */
let open = 0;

/** The end of a job is told at once all the same. */
function lookMs(): number {
  return Math.max(LOOK_MS, (open * 1000) / LOOKS_PER_SECOND);
}

interface FollowOptions {
  /** The scheme and host of the links in events. */
  readonly origin: string;
  /** The last event that the client has; zero for none. */
  readonly lastId: number;
  readonly signal: AbortSignal;
}

type FollowDeps = Pick<
  RouteDeps,
  'jobs' | 'watcher' | 'estimator' | 'presenter' | 'clock' | 'settings'
>;

/**
 * A job's events after `lastId` to its end; `idle` when there was none for a while. Ends early when a
 * request may last no longer; the client then reconnects with its last id.
 */
export async function* followJob(
  deps: FollowDeps,
  first: Job,
  options: FollowOptions,
): AsyncGenerator<StreamEvent | 'idle'> {
  open++;
  try {
    yield* follow(deps, first, options);
  } finally {
    open--;
  }
}

async function* follow(
  deps: FollowDeps,
  first: Job,
  { origin, lastId, signal }: FollowOptions,
): AsyncGenerator<StreamEvent | 'idle'> {
  const startedAt = deps.clock.now();
  const isNews = createNewsFilter(lastId);
  let job = first;
  let sentAt = startedAt;
  while (!signal.aborted) {
    for (const event of (await eventsOf(deps, job, origin)).filter(isNews)) {
      yield event;
      sentAt = deps.clock.now();
    }
    const now = deps.clock.now();
    if (isTerminal(job.status) || now - startedAt >= deps.settings.maxStreamMs) return;
    if (now - sentAt >= IDLE_MS) {
      yield 'idle';
      sentAt = now;
    }
    await deps.watcher.waitForEnd(job, lookMs(), signal);
    job = (await deps.jobs.get(job.id)) ?? job;
  }
}

async function eventsOf(
  deps: FollowDeps,
  job: Job,
  origin: string,
): Promise<readonly StreamEvent[]> {
  if (isTerminal(job.status)) {
    return streamEvents(job, undefined, await deps.presenter.outputUrls(job, origin));
  }
  return streamEvents(job, await deps.estimator.estimate(job), []);
}

/** Lets each event through once, in order; a phase again when its data has changed. */
function createNewsFilter(lastId: number): (event: StreamEvent) => boolean {
  let seen = lastId;
  let lastPhase = '';
  return ({ id, event, data }) => {
    const isNew = event === 'phase' ? id >= seen && data !== lastPhase : id > seen;
    if (!isNew) return false;
    seen = id;
    if (event === 'phase') lastPhase = data;
    return true;
  };
}
