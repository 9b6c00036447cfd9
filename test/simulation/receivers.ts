import type { JobId } from '#shared/core/ids.ts';
import type { WebhookEvent } from '#shared/core/job.ts';
import { deliverEntry, HIDE_MS, inOrderByJob } from '#shared/service/domain/webhooks/deliver.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { HOUR } from '#test/helpers/samples.ts';
import { must, mustBe } from './must.ts';
import type { Random } from './random.ts';
import type { SimulatedWorld } from './worlds/world.ts';

/** Longer than any wait between two attempts. */
const NEXT_ATTEMPT_MS = 30 * HOUR;
const ATTEMPTS = 10;

/** A sender of webhooks, and a receiver that is often down or whose answers get lost. */
export function createReceivers(world: SimulatedWorld) {
  const taken = new Map<JobId, { readonly event: WebhookEvent; readonly status: string }[]>();
  const randomBytes = createCountedBytes('webhooks');

  /** @param random of the receiver's moods; undefined for one that always answers */
  const deliverDue = async (random?: Random): Promise<number> => {
    const { outbox, jobs } = world.services.ports;
    const now = world.clock.now();
    const due = await outbox.claimDue(now, now + HIDE_MS, 50);
    for (const entry of inOrderByJob(due).flat()) {
      await deliverEntry(
        {
          outbox,
          jobs,
          clock: world.clock,
          randomBytes,
          sign: () => 'signature',
          render: async (job) => ({ id: job.id, status: job.status }),
          async send(_url, { headers, body }) {
            if (random?.chance(0.2)) return { kind: 'failed', failure: 'timeout' };
            if (random?.chance(0.15)) return { kind: 'answered', status: 503, headers: {} };
            const { id, status } = JSON.parse(body);
            const event = headers['webhook-event'] as WebhookEvent;
            taken.set(id, [...(taken.get(id) ?? []), { event, status }]);
            if (random?.chance(0.1)) return { kind: 'failed', failure: 'timeout' };
            return { kind: 'answered', status: random?.chance(0.1) ? 500 : 204, headers: {} };
          },
        },
        entry,
      );
    }
    return due.length;
  };

  return {
    deliverDue,

    /** Days of a receiver that answers: nothing is left over. */
    async deliverAll(): Promise<void> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        let delivered = 0;
        for (let due = -1; due !== 0; delivered += due) due = await deliverDue();
        if (delivered === 0 && attempt > 1) return;
        world.clock.advance(NEXT_ATTEMPT_MS);
      }
    },

    /** Each end that somebody wanted to hear of was told, or is in the list of what was given up. */
    async expectTold(): Promise<void> {
      for (const job of await world.allJobs()) {
        const told = taken.get(job.id) ?? [];
        for (const { event, status } of told) {
          const ended = ['succeeded', 'failed', 'canceled'].includes(status);
          mustBe(ended, event === 'completed', `${event} of job ${job.id} says ${status}: an end`);
        }
        const entries = await world.stores.outbox.listByJob(job.id);
        for (const { event, deliveredAt } of entries) {
          if (deliveredAt === undefined) continue;
          must(
            told.some((one) => one.event === event),
            `${event} of job ${job.id} counts as delivered, and nobody got it`,
          );
        }
        if (!job.webhook?.events.includes('completed')) continue;
        const [end, ...more] = entries.filter(({ event }) => event === 'completed');
        must(end !== undefined && more.length === 0, `one webhook of the end of job ${job.id}`);
        const isOver = end?.deliveredAt !== undefined || end?.abandonedAt !== undefined;
        must(isOver, `the end of job ${job.id} is neither told nor given up`);
      }
    },
  };
}
