import type { Clock } from '#shared/core/clock.ts';
import { laneOf } from '#shared/core/delivery-lanes.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { HIDE_MS, inOrderByJob } from '#shared/service/domain/webhooks/deliver.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';

const POLL_MS = 1000;
/** Deliveries under way: to one host for one account, for one account, and in all. */
const PER_LANE = 4;
const PER_ACCOUNT = 64;
const IN_ALL = 512;
/** Entries that one look takes. */
const CLAIM = 50;
/** How long a shutdown waits for receivers; what they then have not answered is sent again. */
const STOP_MS = 2000;

export interface DeliveryLoopDeps {
  readonly outbox: Pick<Outbox, 'claimDue'>;
  readonly clock: Clock;
  /** Makes one attempt and records it. */
  readonly deliver: (entry: OutboxEntry) => Promise<unknown>;
  readonly onError: (error: unknown) => void;
  readonly pollMs?: number;
}

/**
 * Delivers webhooks inside a server that runs for long: by a timer, and at once when woken. Each account's
 * receivers on one host have a lane of their own, so that slow ones hold up nobody else; the entries of one
 * job go one after the other.
 */
export function createDeliveryLoop(deps: DeliveryLoopDeps) {
  /** The end of what is under way for each job. */
  const tails = new Map<string, Promise<void>>();
  const entries = new Set<string>();
  const busy = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let stopped = false;

  const count = (name: string, change: number): void => {
    const left = (busy.get(name) ?? 0) + change;
    if (left === 0) busy.delete(name);
    else busy.set(name, left);
  };
  const full = (): string[] =>
    [...busy]
      .filter(([name, running]) => running >= (name.includes(' ') ? PER_LANE : PER_ACCOUNT))
      .map(([name]) => name);

  const deliver = async (entry: OutboxEntry): Promise<void> => {
    try {
      if (!stopped) await deps.deliver(entry);
    } catch (error) {
      deps.onError(error);
    } finally {
      entries.delete(entry.id);
      for (const name of [entry.account, laneOf(entry)]) count(name, -1);
    }
  };

  const begin = (ofJob: readonly OutboxEntry[]): void => {
    for (const entry of ofJob) {
      entries.add(entry.id);
      for (const name of [entry.account, laneOf(entry)]) count(name, 1);
    }
    const [first] = ofJob;
    const group = first?.job ?? first?.id ?? '';
    const before = tails.get(group) ?? Promise.resolve();
    const tail = before.then(async () => {
      for (const entry of ofJob) await deliver(entry);
      if (tails.get(group) === tail) tails.delete(group);
      wake();
    });
    tails.set(group, tail);
  };

  const look = async (): Promise<void> => {
    while (!stopped && entries.size < IN_ALL) {
      lookAgain = false;
      const now = deps.clock.now();
      const lanes = { each: PER_LANE, full: full() };
      const due = await deps.outbox.claimDue(now, now + HIDE_MS, CLAIM, lanes);
      // One that was hidden for as long as its job's others took is still here.
      const fresh = due.filter(({ id }) => !entries.has(id));
      for (const ofJob of inOrderByJob(fresh)) begin(ofJob);
      if (due.length === 0 && !lookAgain) return;
    }
  };

  /** Looks for due webhooks now: something happened. */
  function wake(): void {
    if (stopped) return;
    lookAgain = true;
    looking ??= look()
      .catch(deps.onError)
      .finally(() => {
        looking = undefined;
        // Woken since it had its last answer, while it was still taken for looking.
        if (lookAgain && entries.size < IN_ALL) wake();
      });
  }

  return {
    start(): void {
      timer ??= setInterval(wake, deps.pollMs ?? POLL_MS);
      wake();
    },
    wake,
    /** Begins nothing more and waits a moment for what is under way. */
    async stop(): Promise<void> {
      stopped = true;
      clearInterval(timer);
      let patience: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        patience = setTimeout(resolve, STOP_MS);
      });
      await Promise.race([Promise.all([looking, ...tails.values()]), waited]);
      clearTimeout(patience);
    },
  };
}
