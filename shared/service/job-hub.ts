import type { JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { JobStore } from './ports/job-store.ts';
import type { JobWatcher } from './ports/job-watcher.ts';

type Listener = (job: Job) => void;

/** Notifies waiters of a job's changes, within this process. */
export interface JobHub extends JobWatcher {
  publish(job: Job): void;
  /** Ends every wait, now and later: the process is about to end. */
  release(): void;
  /** Calls back on every change until the returned function is called. */
  subscribe(id: JobId, listener: Listener): () => void;
}

/** @param jobs read once by each waiter after it has subscribed, so that no change is missed */
export function createJobHub(jobs: Pick<JobStore, 'get'>): JobHub {
  const listeners = new Map<JobId, Set<Listener>>();
  const waiters = new Set<() => void>();
  let released = false;

  const subscribe = (id: JobId, listener: Listener) => {
    const set = listeners.get(id) ?? new Set();
    listeners.set(id, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0 && listeners.get(id) === set) listeners.delete(id);
    };
  };

  return {
    subscribe,

    publish(job) {
      for (const listener of listeners.get(job.id) ?? []) listener(job);
    },

    release() {
      released = true;
      for (const finish of waiters) finish();
    },

    async waitForEnd(job, timeoutMs, signal) {
      if (isTerminal(job.status) || released) return job;
      let finish: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => {
        finish = resolve;
      });
      waiters.add(finish);
      const timer = setTimeout(finish, timeoutMs);
      const unsubscribe = subscribe(job.id, (changed) => {
        if (isTerminal(changed.status)) finish();
      });
      signal.addEventListener('abort', finish, { once: true });
      try {
        const now = await jobs.get(job.id);
        if (now === undefined || isTerminal(now.status)) return now;
        await ended;
        return await jobs.get(job.id);
      } finally {
        clearTimeout(timer);
        waiters.delete(finish);
        unsubscribe();
        signal.removeEventListener('abort', finish);
      }
    },
  };
}
