import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type JobId, ulidTime } from '#shared/core/ids.ts';
import type { SettlementService } from '#shared/service/domain/settlement.ts';
import { readMarks } from '#shared/service/domain/stored-marks.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceQueue, Progress } from '#shared/service/ports/inference-queue.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { DeployedModel } from './environment.ts';

export interface SageMakerProgressDeps {
  /** The state of an endpoint, at most some seconds old. */
  readonly endpointState: (endpoint: string) => Promise<EndpointState>;
  readonly blobs: Pick<BlobStore, 'get'>;
  /** Gets what the marks say. */
  readonly settlement: Pick<SettlementService, 'applyStart' | 'applyProgress'>;
  readonly models: readonly DeployedModel[];
  readonly clock: Clock;
  /** What starting an instance takes, model included, by the last ones: clients are shown it. */
  readonly expectedWakeMs: (endpoint: string) => Promise<number>;
}

/**
 * How far a job has come. SageMaker says nothing of what is in its queue: the GPU function leaves marks
 * in storage, which are passed on to settlement when they are read, and the number of instances
 * says whether anything can run at all.
 */
export function createSageMakerProgress(deps: SageMakerProgressDeps): InferenceQueue['progress'] {
  return (job, name) => {
    const model = deps.models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new AppError('invalid-input', `There is no model ${name}`);
    return progress(deps, job, model);
  };
}

async function progress(
  deps: SageMakerProgressDeps,
  job: JobId,
  { endpoint, compute }: DeployedModel,
): Promise<Progress> {
  const marks = await readMarks(job, deps.blobs);
  if (marks !== undefined) {
    await deps.settlement.applyStart(job, marks.startedAt, marks.imagesDone);
    await deps.settlement.applyProgress(job, marks.imagesDone);
    return marks;
  }
  // A function starts within seconds.
  if (compute === 'lambda') return { phase: 'queued', imagesDone: 0 };
  const state = await deps.endpointState(endpoint);
  if (state.runningInstances > 0) return { phase: 'queued', imagesDone: 0 };
  const begun = state.scalingSince ?? ulidTime(job);
  return {
    phase: 'provisioning',
    imagesDone: 0,
    readyInMs: readyInMs(await deps.expectedWakeMs(endpoint), deps.clock.now() - begun),
  };
}

/** What is left of a start that began at a time; a late one is given a tenth of its time again. */
function readyInMs(wakeMs: number, passedMs: number): number {
  return Math.max(wakeMs / 10, wakeMs - passedMs);
}
