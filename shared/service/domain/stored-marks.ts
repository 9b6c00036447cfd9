import type { JobId } from '#shared/core/ids.ts';
import type { JobPhase } from '#shared/core/job.ts';
import { jobMarks, PhaseMarkSchema, StartedMarkSchema } from '#shared/core/job-marks.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { readStoredJson } from './stored-json.ts';

/** How far a run has come, as the GPU function has left it in storage. */
export interface JobMarks {
  readonly startedAt: number;
  readonly phase: JobPhase;
  readonly imagesDone: number;
}

/** A job's marks; undefined until its run has begun. */
export async function readMarks(
  job: JobId,
  blobs: Pick<BlobStore, 'get'>,
): Promise<JobMarks | undefined> {
  const started = StartedMarkSchema.safeParse(await readStoredJson(jobMarks.started(job), blobs));
  if (!started.success) return undefined;
  const phase = PhaseMarkSchema.safeParse(await readStoredJson(jobMarks.phase(job), blobs));
  return {
    startedAt: started.data.started_at,
    phase: phase.success ? phase.data.phase : 'running',
    imagesDone: phase.success ? phase.data.images_done : 0,
  };
}
