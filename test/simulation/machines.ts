import type { JobId } from '#shared/core/ids.ts';
import { isTerminal } from '#shared/core/job.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { Completion } from '#shared/service/ports/inference-queue.ts';
import { firstImage } from '#test/helpers/gpu-stand-in.ts';
import type { Clients } from './clients.ts';
import { must, mustBe } from './must.ts';
import type { Random } from './random.ts';
import type { SimulatedWorld } from './worlds/world.ts';

/**
 * GPU functions that finish, fail, refuse and die, or lose a picture on its way to storage, and the post that
 * carries their reports: late, twice, in another order, or never.
 */
export function createMachines(world: SimulatedWorld, retentionMs: number) {
  const letters: Completion[] = [];
  /** Jobs of which an image lay in storage, with its receipt, while they were open. */
  const made = new Set<JobId>();
  /** Jobs that were told of a failure, rather than of a refusal, or whose pictures got lost. */
  const failures = new Set<JobId>();

  const deliver = async (letter: Completion | undefined): Promise<void> => {
    if (letter === undefined) return;
    if (letter.outcome.kind === 'failed') failures.add(letter.job);
    await world.services.settlement.applyCompletion(letter);
  };

  /** Runs an order; whether its first picture got lost. One that is there from an earlier run stays. */
  const make = async (id: JobId, end: 'run' | 'part' | 'tear', random: Random) => {
    const isThere = (await world.blobs.head(firstImage(id))) !== undefined;
    const run = () => world.gpu.run(id, end === 'part' ? 1 : undefined);
    const lose = () => world.gpu.lose(id, random.chance(0.5) ? undefined : new Uint8Array(3));
    letters.push(await (end === 'tear' ? lose() : run()));
    return end === 'tear' && !isThere;
  };

  return {
    async finish(random: Random): Promise<void> {
      const jobs = [...world.gpu.orders.keys()];
      const id = jobs[random.below(jobs.length)];
      if (id === undefined) return;
      const end = random.pick(ENDS);
      if (end === 'die') {
        world.gpu.orders.clear();
      } else if (end === 'refuse') {
        world.gpu.orders.delete(id);
        letters.push({ job: id, outcome: { kind: 'refused' } });
      } else if (end === 'run' || end === 'part' || end === 'tear') {
        const job = await world.stores.jobs.get(id);
        const isLost = await make(id, end, random);
        if (isLost) failures.add(id);
        else if (job !== undefined && !isTerminal(job.status)) made.add(id);
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
      for (const job of await world.allJobs()) {
        const listed = job.images.map(({ key }) => key).sort();
        const stored = await world.blobs.list(outputPrefix(job.id));
        const images = stored.filter((key) => key.endsWith('.png')).sort();
        mustBe(images.join(), listed.join(), `images in storage of job ${job.id}`);
      }
    },

    /** What was made is paid, nothing fails before its time without a failure, and nobody's data goes early. */
    async expectFair(clients: Clients): Promise<void> {
      for (const job of await world.allJobs()) {
        const untouched = job.cancelRequestedAt === undefined && !failures.has(job.id);
        if (made.has(job.id) && untouched && job.dataRemovedAt === undefined) {
          must((job.cost ?? 0) > 0, `job ${job.id} was made, and is not paid`);
        }
        if (job.error?.code === 'model-error') {
          must(failures.has(job.id), `job ${job.id} failed without a failure`);
        }
        if (job.error?.code === 'deadline-exceeded') {
          must((job.completedAt ?? 0) >= job.deadline, `job ${job.id} ended early`);
        }
        if (job.dataRemovedAt === undefined || clients.isErased(job.id)) continue;
        const kept = job.dataRemovedAt - (job.completedAt ?? 0);
        must(kept >= retentionMs, `the data of job ${job.id} were kept for ${kept} ms`);
      }
    },
  };
}

const ENDS = ['run', 'run', 'run', 'part', 'fail', 'retry', 'refuse', 'die', 'tear'] as const;
