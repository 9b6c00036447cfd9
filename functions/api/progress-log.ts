import type { Job } from '#shared/core/job.ts';

const BAR_WIDTH = 10;

/**
 * A prediction's `logs`: its seed, and a progress line of the form that Replicate's clients read
 * (` 50%|█████     | 1/2`).
 */
export function progressLog(job: Job, imagesDone: number): string {
  if (job.input === null || job.startedAt === undefined) return '';
  const { seed, num_outputs } = job.input;
  const share = Math.min(1, imagesDone / num_outputs);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = '█'.repeat(filled).padEnd(BAR_WIDTH);
  const percent = String(Math.floor(share * 100)).padStart(3);
  return `Using seed: ${seed}\n${percent}%|${bar}| ${imagesDone}/${num_outputs}\n`;
}
