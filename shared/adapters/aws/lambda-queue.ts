import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { AppError } from '#shared/core/errors.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { createCancelMark } from './cancel-mark.ts';
import type { DeployedModel } from './environment.ts';

export interface LambdaQueueDeps {
  readonly client: LambdaClient;
  /** Jobs handed over that have not ended. */
  readonly countInside: (model: string) => Promise<number>;
  readonly blobs: Pick<BlobStore, 'put'>;
  readonly models: readonly DeployedModel[];
  /** Invocations at one time: what a function may take of a new account's ten. */
  readonly inFlight: number;
}

/**
 * A function that draws, invoked asynchronously: Lambda keeps the order, runs it once, and tells of its end.
 * No more are handed over than may run at one time, so that none waits outside the fair order.
 */
export function createLambdaQueue(
  deps: LambdaQueueDeps,
): Pick<InferenceQueue, 'capacity' | 'submit' | 'cancel'> {
  return {
    capacity: async (name) => Math.max(0, deps.inFlight - (await deps.countInside(name))),
    async submit(request) {
      const command = new InvokeCommand({
        FunctionName: deps.models.find(({ name }) => name === request.model.name)?.endpoint,
        InvocationType: 'Event',
        Payload: new TextEncoder().encode(JSON.stringify(request)),
      });
      try {
        await deps.client.send(command);
      } catch (cause) {
        throw new AppError('unavailable', 'The function takes no requests now', {
          cause,
          retryable: true,
        });
      }
    },
    cancel: createCancelMark(deps.blobs),
  };
}
