import {
  InvokeEndpointAsyncCommand,
  type SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type JobId, ulidTime } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { jobMarks, PhaseMarkSchema, StartedMarkSchema } from '#shared/core/job-marks.ts';
import type { BlobStore } from '#shared/ports/blob-store.ts';
import type { InferenceQueue, Progress } from '#shared/ports/inference-queue.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { DeployedModel } from './environment.ts';

export interface SageMakerQueueSettings {
  /** Orders inside SageMaker per instance that its scaling may start. */
  readonly jobsPerInstance: number;
  /** The longest that one order may run. */
  readonly invocationTimeoutSeconds: number;
  /** What starting an instance takes, model included, for the time that clients are told. */
  readonly coldStartMs: number;
}

export interface SageMakerQueueDeps {
  readonly client: SageMakerRuntimeClient;
  /** The state of an endpoint, at most some seconds old. */
  readonly endpointState: (endpoint: string) => Promise<EndpointState>;
  /** Orders handed over that have not ended. */
  readonly countInside: (model: string) => Promise<number>;
  readonly blobs: Pick<BlobStore, 'get' | 'put'>;
  readonly models: readonly DeployedModel[];
  readonly clock: Clock;
  readonly settings: SageMakerQueueSettings;
}

/** SageMaker's own limits of the time that an order may wait. */
const TTL_SECONDS = { min: 60, max: 21_600 };

/**
 * The queue in front of a SageMaker asynchronous endpoint. It runs first in, first out, and can't be
 * asked about an order or told to drop one, so it is kept short: the fair order is in the table.
 */
export function createSageMakerQueue(deps: SageMakerQueueDeps): InferenceQueue {
  const find = (name: string): DeployedModel => {
    const model = deps.models.find((candidate) => candidate.name === name);
    if (model === undefined) throw new AppError('invalid-input', `There is no model ${name}`);
    return model;
  };
  return {
    capacity: async (name) => {
      const most = find(name).maxInstances * deps.settings.jobsPerInstance;
      return Math.max(0, most - (await deps.countInside(name)));
    },
    submit: (request) => submit(deps, find(request.model.name).endpoint, request),
    cancel: (job) =>
      deps.blobs.put(jobMarks.cancel(job), new TextEncoder().encode('{}'), 'application/json'),
    progress: (job, name) => progress(deps, job, find(name).endpoint),
  };
}

async function submit(
  deps: SageMakerQueueDeps,
  endpoint: string,
  request: InferenceRequest,
): Promise<void> {
  const secondsLeft = Math.floor((request.deadline - deps.clock.now()) / 1000);
  const command = new InvokeEndpointAsyncCommand({
    EndpointName: endpoint,
    ContentType: 'application/json',
    Accept: 'application/json',
    InferenceId: request.job,
    Filename: `${request.job}.json`,
    Body: new TextEncoder().encode(JSON.stringify(request)),
    RequestTTLSeconds: Math.min(TTL_SECONDS.max, Math.max(TTL_SECONDS.min, secondsLeft)),
    InvocationTimeoutSeconds: deps.settings.invocationTimeoutSeconds,
  });
  try {
    await deps.client.send(command);
  } catch (cause) {
    throw toAppError(cause, endpoint);
  }
}

/** Only an order that SageMaker finds fault with will be refused again. */
function toAppError(cause: unknown, endpoint: string): AppError {
  const isRefused =
    cause instanceof Error && cause.name === 'ValidationError' && !/endpoint/i.test(cause.message);
  if (isRefused) return new AppError('model-error', 'The order was refused', { cause });
  return new AppError('unavailable', `The endpoint ${endpoint} takes no orders now`, {
    cause,
    retryable: true,
  });
}

async function progress(deps: SageMakerQueueDeps, job: JobId, endpoint: string): Promise<Progress> {
  const started = StartedMarkSchema.safeParse(await readMark(deps, jobMarks.started(job)));
  if (started.success) {
    const phase = PhaseMarkSchema.safeParse(await readMark(deps, jobMarks.phase(job)));
    return {
      phase: phase.success ? phase.data.phase : 'running',
      startedAt: started.data.started_at,
      imagesDone: phase.success ? phase.data.images_done : 0,
    };
  }
  const state = await deps.endpointState(endpoint);
  if (state.runningInstances > 0) return { phase: 'queued', imagesDone: 0 };
  const begun = state.scalingSince ?? ulidTime(job);
  return { phase: 'provisioning', imagesDone: 0, readyInMs: readyInMs(deps, begun) };
}

/** What is left of a start that began at a time; a late one is given a tenth of its time again. */
function readyInMs(deps: SageMakerQueueDeps, begun: number): number {
  const { coldStartMs } = deps.settings;
  return Math.max(coldStartMs / 10, begun + coldStartMs - deps.clock.now());
}

async function readMark(deps: SageMakerQueueDeps, key: string): Promise<unknown> {
  const bytes = await deps.blobs.get(key);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
