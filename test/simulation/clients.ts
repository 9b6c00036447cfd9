import { expect } from 'vitest';
import { AppError } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { WebhookEvent } from '#shared/core/job.ts';
import { InjectedFault } from '#test/helpers/faults.ts';
import { ACCOUNT, OTHER_ACCOUNT, sampleKey } from '#test/helpers/samples.ts';
import { sampleOrder, type World } from '#test/helpers/world.ts';
import type { Random } from './random.ts';

/** Most open jobs of one account in the simulation. */
export const ACCOUNT_QUEUE = 6;

interface Intent {
  readonly order: ReturnType<typeof sampleOrder>;
  /** The job that an answer named. */
  job?: JobId;
  answered: boolean;
}

const EVENTS: readonly [Events, Events] = [['completed'], ['start', 'logs', 'output', 'completed']];
type Events = readonly WebhookEvent[];

/** Clients that order, lose answers, ask again with the same key, and now and then misuse one. */
export function createClients(world: World) {
  const intents: Intent[] = [];
  const erasing = new Set<JobId>();
  const canceled = new Set<JobId>();

  const send = async (intent: Intent): Promise<void> => {
    const result = await world.services.admission.submit(intent.order);
    intent.answered = true;
    if (result.outcome !== 'admitted' && result.outcome !== 'replayed') return;
    if (intent.job !== undefined) expect(result.job.id, 'a repeated order').toBe(intent.job);
    intent.job = result.job.id;
    const open = await world.stores.jobs.list({ account: result.job.account, limit: 1000 });
    const waiting = open.filter(({ completedAt }) => completedAt === undefined);
    expect(waiting.length, 'open jobs of one account').toBeLessThanOrEqual(ACCOUNT_QUEUE);
  };

  return {
    intents,
    /** Every job that an answer named, in the order of the answers. */
    jobs: (): readonly JobId[] => intents.flatMap(({ job }) => (job === undefined ? [] : [job])),

    async order(random: Random): Promise<void> {
      const number = intents.length;
      const intent: Intent = {
        answered: false,
        order: sampleOrder({
          images: 1 + random.below(3),
          key: sampleKey({ account: random.chance(0.8) ? ACCOUNT : OTHER_ACCOUNT }),
          bodyHash: String(number).padStart(64, 'b'),
          idempotency: { route: 'r', key: String(number) },
          ...(random.chance(0.2) && { cancelAfterMs: 45_000 }),
          ...(random.chance(0.2) && { attachWithinMs: 30_000 }),
          ...(random.chance(0.6) && {
            webhook: { url: 'https://example.com/hook', events: random.pick(EVENTS) },
          }),
        }),
      };
      intents.push(intent);
      await send(intent);
    },

    /** Asks again: for an answer that was lost, or out of habit. */
    async retry(random: Random): Promise<void> {
      const intent = intents[random.below(intents.length)];
      if (intent !== undefined) await send(intent);
    },

    /** Another order under a key that is taken: never the first one's picture, never a second job. */
    async misuse(random: Random): Promise<void> {
      const intent = intents[random.below(intents.length)];
      if (intent?.job === undefined) return;
      const other = { ...intent.order, bodyHash: 'f'.repeat(64) };
      const { outcome } = await world.services.admission.submit(other);
      expect(outcome, 'another body under a used key').toBe('idempotency-mismatch');
    },

    async cancel(id: JobId): Promise<void> {
      canceled.add(id);
      await world.services.settlement.cancelJob(id);
    },

    async erase(id: JobId): Promise<void> {
      erasing.add(id);
      await world.services.settlement.removeJobData(id);
    },

    /** Clients whose erasure met an error ask again. */
    async eraseAgain(): Promise<void> {
      for (const id of erasing) await world.services.settlement.removeJobData(id);
    },

    /** What every client may rely on, once all is over. */
    async expectKept(): Promise<void> {
      const found = new Map<string, JobId[]>();
      for (const { id: account } of await world.stores.ledger.listAccounts()) {
        for (const job of await world.stores.jobs.list({ account, limit: 1000 })) {
          found.set(job.bodyHash, [...(found.get(job.bodyHash) ?? []), job.id]);
          if (job.status !== 'canceled' || canceled.has(job.id)) continue;
          const mayEnd = job.cancelAtDeadline === true || job.attachBy !== undefined;
          expect(mayEnd, `job ${job.id} was cancelled, and nobody asked for it`).toBe(true);
        }
      }
      for (const { order, job } of intents) {
        const jobs = found.get(order.bodyHash) ?? [];
        expect(jobs.length, 'jobs of one order').toBeLessThanOrEqual(1);
        if (job !== undefined) expect(jobs, 'the job of an answered order').toEqual([job]);
      }
    },
  };
}

export type Clients = ReturnType<typeof createClients>;

/** Runs a step as a process would: an injected failure ends it, as does its death, and the rest goes on. */
export async function attempt(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!isInjected(error)) throw error;
  }
}

/** A call that was failed on purpose, or one under way when the process died. */
export function isInjected(error: unknown): boolean {
  const hasDied =
    error instanceof AppError && error.message.startsWith('The data folder is closed');
  return hasDied || error instanceof InjectedFault;
}
