import type { Job } from '#shared/core/job.ts';

const BAR_WIDTH = 10;

/** The lines of {@link progressLog} as they came: the seed, then one for each number of images. */
export function progressLines(job: Job, imagesDone: number): readonly string[] {
  if (job.input === null || job.startedAt === undefined) return [];
  const { seed, num_outputs } = job.input;
  const counts = Array.from({ length: Math.min(imagesDone, num_outputs) + 1 }, (_, done) => done);
  return [`Using seed: ${seed}`, ...counts.map((done) => progressLine(done, num_outputs))];
}

/**
 * A prediction's `logs`: its seed, and a progress line of the form that Replicate's clients read
 * (` 50%|█████     | 1/2`).
 */
export function progressLog(job: Job, imagesDone: number): string {
  return progressLines(job, imagesDone)
    .map((line) => `${line}\n`)
    .join('');
}

function progressLine(done: number, total: number): string {
  const share = done / total;
  const bar = '█'.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `${percent}%|${bar}| ${done}/${total}`;
}
