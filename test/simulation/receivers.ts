import { expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import type { WebhookEvent } from '#shared/core/job.ts';
import { deliverEntry, HIDE_MS, inOrderByJob } from '#shared/service/domain/webhooks/deliver.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { HOUR } from '#test/helpers/samples.ts';
import type { World, Wrap } from '#test/helpers/world.ts';
import type { Random } from './random.ts';

/** A sender of webhooks, and a receiver that is often down or whose answers get lost. */
export function createReceivers(world: World, wrap: Wrap) {
  const taken = new Map<JobId, { readonly event: WebhookEvent; readonly status: string }[]>();
  const randomBytes = createCountedBytes('webhooks');

  /** @param random of the receiver's moods; undefined for one that always answers */
  const deliverDue = async (random?: Random): Promise<number> => {
    const jobs = wrap('jobs', world.stores.jobs);
    const outbox = wrap('outbox', world.stores.outbox);
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
            if (random?.chance(0.3)) return { kind: 'failed', failure: 'timeout' };
            const { id, status } = JSON.parse(body);
            const event = headers['webhook-event'] as WebhookEvent;
            taken.set(id, [...(taken.get(id) ?? []), { event, status }]);
            if (random?.chance(0.1)) return { kind: 'failed', failure: 'timeout' };
            return { kind: 'answered', status: random?.chance(0.1) ? 503 : 204, headers: {} };
          },
        },
        entry,
      );
    }
    return due.length;
  };

  return {
    deliverDue,

    /** Three days of a receiver that answers: nothing is left over. */
    async deliverAll(): Promise<void> {
      for (let hour = 0; hour < 72; hour++) {
        while ((await deliverDue()) > 0);
        world.clock.advance(HOUR);
      }
    },

    /** Each end that somebody wanted to hear of was told, or is in the list of what was given up. */
    async expectTold(): Promise<void> {
      for (const { id: account } of await world.stores.ledger.listAccounts()) {
        for (const job of await world.stores.jobs.list({ account, limit: 1000 })) {
          const entries = await world.stores.outbox.listByJob(job.id);
          const told = taken.get(job.id) ?? [];
          for (const { event, status } of told) {
            const ended = ['succeeded', 'failed', 'canceled'].includes(status);
            expect(ended, `${event} of job ${job.id} says ${status}`).toBe(event === 'completed');
          }
          if (!job.webhook?.events.includes('completed')) continue;
          const end = entries.filter(({ event }) => event === 'completed');
          expect(end, `webhooks of the end of job ${job.id}`).toHaveLength(1);
          const isOver = end[0]?.deliveredAt !== undefined || end[0]?.abandonedAt !== undefined;
          expect(isOver, `the end of job ${job.id} is told or given up`).toBe(true);
          if (end[0]?.deliveredAt === undefined) continue;
          expect(
            told.some(({ event }) => event === 'completed'),
            'a delivery that nobody got',
          ).toBe(true);
        }
      }
    },
  };
}
