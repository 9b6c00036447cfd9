import type { JobId } from './ids.ts';

/** Under this prefix of the blob store lies everything that a job's run left behind. */
export function outputPrefix(job: JobId | string): string {
  return `outputs/${job}/`;
}

/**
 * The receipt as JSON, written after the images that it lists (fewer than requested when the run ended
 * early): what a job is settled from when its completion gets lost.
 */
export function receiptObjectKey(job: JobId | string): string {
  return `${outputPrefix(job)}receipt.json`;
}
