import type { z } from 'zod';
import type { JobPhase } from '#shared/core/job.ts';
import { jobMarks, type PhaseMarkSchema, type StartedMarkSchema } from '#shared/core/job-marks.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';

/** A job's marks in the store. Writing them is best effort: an image never fails for want of one. */
export function createMarks(
  job: string,
  blobs: Pick<BlobStore, 'put' | 'head'>,
  onError: (error: unknown) => void,
) {
  let pending: Promise<void> = Promise.resolve();
  // One after the other, so that an older phase never overwrites a newer one.
  const write = (key: string, body: object): void => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    pending = pending.then(() => blobs.put(key, bytes, 'application/json')).catch(onError);
  };
  return {
    started(atMs: number): void {
      const body: z.input<typeof StartedMarkSchema> = { started_at: atMs };
      write(jobMarks.started(job), body);
    },
    phase(phase: JobPhase, imagesDone: number): void {
      const body: z.input<typeof PhaseMarkSchema> = { phase, images_done: imagesDone };
      write(jobMarks.phase(job), body);
    },
    async isCanceled(): Promise<boolean> {
      try {
        return (await blobs.head(jobMarks.cancel(job))) !== undefined;
      } catch (error) {
        onError(error);
        return false;
      }
    },
    /** Resolves when everything that was to be written is written or given up. */
    settled: () => pending,
  };
}

export type TaskMarks = ReturnType<typeof createMarks>;
