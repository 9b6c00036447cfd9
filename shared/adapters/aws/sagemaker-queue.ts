import {
  InvokeEndpointAsyncCommand,
  type SageMakerRuntimeClient,
} from '@aws-sdk/client-sagemaker-runtime';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { createCancelMark } from './cancel-mark.ts';
import type { DeployedModel } from './environment.ts';

export interface SageMakerQueueSettings {
  /** Jobs inside SageMaker per instance that its scaling may start. */
  readonly jobsPerInstance: number;
  /** The longest that one job may run. */
  readonly invocationTimeoutSeconds: number;
}

export interface SageMakerQueueDeps {
  readonly client: SageMakerRuntimeClient;
  /** Jobs handed over that have not ended. */
  readonly countInside: (model: string) => Promise<number>;
  readonly blobs: Pick<BlobStore, 'put'>;
  readonly models: readonly DeployedModel[];
  readonly clock: Clock;
  readonly settings: SageMakerQueueSettings;
}

/** SageMaker's own limits of the time that a request may wait. */
const TTL_SECONDS = { min: 60, max: 21_600 };

/**
 * The queue in front of a SageMaker asynchronous endpoint. It runs first in, first out, and can't be
 * asked about a request or told to drop one, so it is kept short: the fair order is in the table.
 */
export function createSageMakerQueue(
  deps: SageMakerQueueDeps,
): Pick<InferenceQueue, 'capacity' | 'submit' | 'cancel'> {
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
    cancel: createCancelMark(deps.blobs),
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

/** Only a request that SageMaker finds invalid would be refused again. */
function toAppError(cause: unknown, endpoint: string): AppError {
  const isRefused =
    cause instanceof Error && cause.name === 'ValidationError' && !/endpoint/i.test(cause.message);
  if (isRefused) return new AppError('model-error', 'The request was refused', { cause });
  return new AppError('unavailable', `The endpoint ${endpoint} takes no requests now`, {
    cause,
    retryable: true,
  });
}
