import { expect } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import { isTerminal } from '#shared/core/job.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { Completion } from '#shared/service/ports/inference-queue.ts';
import type { World } from '#test/helpers/world.ts';
import type { Random } from './random.ts';

/**
 * GPU functions that finish, fail, refuse and die, and the post that carries their reports: late, twice, in
 * another order, or never.
 */
export function createMachines(world: World) {
  const letters: Completion[] = [];
  /** Jobs of which an image lay in storage, with its receipt, while they were open. */
  const made = new Set<JobId>();
  /** Jobs that were told of a failure, rather than of a refusal. */
  const failures = new Set<JobId>();

  const deliver = async (letter: Completion | undefined): Promise<void> => {
    if (letter === undefined) return;
    if (letter.outcome.kind === 'failed') failures.add(letter.job);
    await world.services.settlement.applyCompletion(letter);
  };

  return {
    async finish(random: Random): Promise<void> {
      const jobs = [...world.gpu.orders.keys()];
      const id = jobs[random.below(jobs.length)];
      if (id === undefined) return;
      const end = random.pick(['run', 'run', 'run', 'part', 'fail', 'retry', 'refuse', 'die']);
      if (end === 'die') {
        world.gpu.orders.clear();
      } else if (end === 'refuse') {
        world.gpu.orders.delete(id);
        letters.push({ job: id, outcome: { kind: 'refused' } });
      } else if (end === 'run' || end === 'part') {
        const job = await world.stores.jobs.get(id);
        letters.push(await world.gpu.run(id, end === 'part' ? 1 : undefined));
        if (job !== undefined && !isTerminal(job.status)) made.add(id);
      } else {
        letters.push(await world.gpu.fail(id, end === 'retry', random.below(2)));
      }
    },

    /** Hands in a report of any time before, perhaps again. */
    deliver: (random: Random) => deliver(letters[random.below(letters.length)]),

    /** All that ever was on its way arrives, the latest first. */
    async deliverAll(): Promise<void> {
      for (const letter of [...letters].reverse()) await deliver(letter);
    },

    /** Storage has what ended jobs list, and their receipts, but no image that was not paid. */
    async expectNoStrays(): Promise<void> {
      for (const { id: account } of await world.stores.ledger.listAccounts()) {
        for (const job of await world.stores.jobs.list({ account, limit: 1000 })) {
          const listed = job.images.map(({ key }) => key);
          const stored = await world.blobs.list(outputPrefix(job.id));
          const images = stored.filter((key) => key.endsWith('.png'));
          expect(images.sort(), `images in storage of job ${job.id}`).toEqual(listed.sort());
        }
      }
    },

    /** What was made is paid, and nothing fails before its time without a failure. */
    async expectFair(): Promise<void> {
      for (const { id: account } of await world.stores.ledger.listAccounts()) {
        for (const job of await world.stores.jobs.list({ account, limit: 1000 })) {
          const untouched = job.cancelRequestedAt === undefined && !failures.has(job.id);
          if (made.has(job.id) && untouched && job.dataRemovedAt === undefined) {
            expect(job.cost, `job ${job.id} was made, and is not paid`).toBeGreaterThan(0);
          }
          if (job.error?.code === 'model-error') {
            expect(failures.has(job.id), `job ${job.id} failed without a failure`).toBe(true);
          }
          if (job.error?.code === 'deadline-exceeded') {
            expect(job.completedAt, `job ${job.id} ended early`).toBeGreaterThanOrEqual(
              job.deadline,
            );
          }
        }
      }
    },
  };
}
