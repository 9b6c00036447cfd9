import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createLambdaQueue } from '#shared/adapters/aws/lambda-queue.ts';
import { createSageMakerQueue } from '#shared/adapters/aws/sagemaker-queue.ts';
import { countLeased } from '#shared/adapters/dynamo/claim.ts';
import { latestEndOf } from '#shared/core/job.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import { createDispatcher } from '#shared/service/domain/dispatcher.ts';
import type { DispatchConfig } from './config.ts';

/**
 * A claim lasts this long until SageMaker has the job, and then until the sweep ends the job: a
 * dispatcher that dies between the two leaves a job that another soon claims.
 */
const CLAIM_MS = 60_000;
const GRACE_MS = 10 * 60_000;

export interface DispatchPlatform extends Platform {
  readonly sageMakerRuntime: SageMakerRuntimeClient;
  readonly lambda: LambdaClient;
}

/** The function over a platform: it is woken, gives SageMaker what there is room for, and ends. */
export function composeDispatch(config: DispatchConfig, platform: DispatchPlatform) {
  const { clock, log } = platform;
  const bucket = config.OUTPUT_BUCKET_NAME;
  const system = createAwsSystem(platform, { tableName: config.TABLE_NAME, bucket });
  const countInside = (model: string) => countLeased(system.table, model);
  const { blobs } = system;
  const sageMaker = createSageMakerQueue({
    client: platform.sageMakerRuntime,
    countInside,
    blobs,
    models: config.MODELS,
    clock,
    settings: {
      jobsPerInstance: config.JOBS_PER_INSTANCE,
      invocationTimeoutSeconds: config.INVOCATION_TIMEOUT_SECONDS,
    },
  });
  const lambda = createLambdaQueue({
    client: platform.lambda,
    countInside,
    blobs,
    models: config.MODELS,
    inFlight: ORDER_FLOW.inFlight,
  });
  const queueOf = (model: string) =>
    config.MODELS.some(({ name, compute }) => name === model && compute === 'lambda')
      ? lambda
      : sageMaker;

  return async (): Promise<void> => {
    const dispatcher = createDispatcher({
      jobs: system.jobs,
      queue: {
        capacity: (model) => queueOf(model).capacity(model),
        submit: (request) => queueOf(request.model.name).submit(request),
        // Both leave the same mark.
        cancel: sageMaker.cancel,
      },
      settlement: system.createSettlement(),
      models: () => config.MODELS.map((model) => model.name),
      clock,
      outputStore: (job) => ({ kind: 's3', bucket, prefix: outputPrefix(job) }),
      settings: { leaseMs: CLAIM_MS, leaseUntil: (job) => latestEndOf(job) + GRACE_MS },
      onError: log.error,
    });
    try {
      const count = await dispatcher.dispatchOnce();
      log.event('dispatched', { count });
    } finally {
      await dispatcher.renewLeases();
    }
  };
}
