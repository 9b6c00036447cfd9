import { cpus } from 'node:os';
import type { Hono } from 'hono';
import type { JsonLog } from '#shared/adapters/aws/json-log.ts';
import { createFileBlobStore } from '#shared/adapters/files/file-blob-store.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { recipeOf } from '#shared/engine/package/manifest.ts';
import type { Device } from '#shared/engine/pipeline/sessions.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { createGpuApp } from './app.ts';
import type { GpuConfig } from './config.ts';
import { createDevice } from './device.ts';
import { createEncoders } from './encoders.ts';
import { loadImageCheck } from './image-check.ts';
import { certificateProblem, readMarking } from './marking.ts';
import { readServedModels } from './models.ts';
import { runTask } from './run-task.ts';
import { type StartedWorker, startWorker } from './start-worker.ts';
import { createTaskQueue } from './task-queue.ts';

export interface GpuDeps {
  readonly config: GpuConfig;
  /** The environment that the inference process gets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: JsonLog;
  /** The inference process, where it was started before this; it is started now otherwise. */
  readonly started?: StartedWorker;
}

/** The GPU function, put together: its routes, and how it begins and ends. */
export interface GpuFunction {
  readonly app: Hono;
  /**
   * Loads the first model and makes a warm-up image; `/ping` says 200 from then on.
   *
   * @throws AppError `model-error`
   */
  warmUp(): Promise<void>;
  /**
   * Serves the packages of these folders from now on.
   *
   * @throws AppError for a missing package; nothing changes then
   */
  serve(folders: readonly string[]): void;
  /** Lets the running task end within this time; ends the inference process. */
  close(drainMs: number): Promise<void>;
}

/** @throws AppError for a missing package, or for a missing CUDA device unless the CPU is allowed */
export async function composeGpuFunction({
  config,
  env,
  clock,
  log,
  started = startWorker(config, env),
}: GpuDeps): Promise<GpuFunction> {
  let models = readServedModels(config.MODEL_FOLDERS);
  const { worker, device } = started;
  const storeFor = await createStores(config, clock);
  const signingKey = await createSigningKey(config, clock);
  const checkImage =
    config.IMAGE_CHECK === undefined ? undefined : await loadImageCheck(config.IMAGE_CHECK);
  const marking = readMarking(config);
  const doubt = certificateProblem(marking, clock);
  if (doubt !== undefined) log.event('c2pa-certificate', { problem: doubt });
  const [{ manifest }] = models;
  const encoders = createEncoders(marking);
  let ready = false;

  const warmUp = async (): Promise<void> => {
    const { name, digest } = manifest;
    const model = { name, digest, recipe: recipeOf(manifest) };
    await Promise.all([worker.ready(), encoders.warmUp(model)]);
    ready = true;
  };
  const interrupt = (): void => {
    worker.kill();
    // The next task should not wait for the model.
    worker.ready().catch((error) => {
      ready = false;
      log.error(error, 'The inference process did not come back');
    });
  };
  const drawing = createDevice(worker, interrupt);
  const queue = createTaskQueue({
    clock,
    inFlight: config.IN_FLIGHT,
    maxWaiting: config.MAX_WAITING,
    run: (queued) =>
      runTask(queued, {
        clock,
        device: drawing,
        encode: encoders.encode,
        storeFor,
        signingKey,
        deviceName: `${device} (${processorName(device)})`,
        checkImage,
        onMarkError: (error) => log.error(error, 'A mark could not be written'),
      }),
  });
  const app = createGpuApp({
    models: () => models,
    queue,
    isReady: () => ready,
    onError: createFailureReport(log, config.RELEASE),
  });
  return {
    app,
    warmUp,
    serve(folders) {
      models = readServedModels(folders);
    },
    async close(drainMs) {
      ready = false;
      await queue.drain(drainMs);
      worker.kill();
    },
  };
}

/**
 * Writes what went wrong with a task, and a line that an alarm counts: an update is rolled back when
 * tasks of its release fail.
 */
export function createFailureReport(log: JsonLog, release: string | undefined) {
  return (error: unknown, job: string | undefined): void => {
    log.error(error, job === undefined ? 'A request failed' : `Job ${job} failed`);
    log.event('task-failed', defined({ job, release }));
  };
}

function processorName(device: Device): string {
  return device === 'cpu' ? (cpus()[0]?.model.trim() ?? 'unknown') : 'NVIDIA';
}

async function createStores(
  config: GpuConfig,
  clock: Clock,
): Promise<(store: InferenceRequest['store']) => BlobStore> {
  const files =
    config.DATA_FOLDER === undefined
      ? undefined
      : createFileBlobStore({ root: config.DATA_FOLDER });
  const bucket = config.OUTPUT_BUCKET_NAME;
  const objects = bucket === undefined ? undefined : await createBucketStore(config, bucket, clock);
  return (store) => {
    const isOurs = store.kind === 'file' || store.bucket === bucket;
    const found = store.kind === 'file' ? files : objects;
    if (found !== undefined && isOurs) return found;
    throw new AppError(
      'invalid-input',
      `store: this function does not write to that ${store.kind}.`,
    );
  };
}

/** Reads the deployment's secret itself, so that it is in no task's body. */
async function createSigningKey(
  { RECEIPT_SECRET_ARN: secret, AWS_REGION: region = 'us-east-1' }: GpuConfig,
  clock: Clock,
): Promise<() => Promise<Uint8Array | undefined>> {
  if (secret === undefined) return async () => undefined;
  const { createSecretsClient } = await import('#shared/adapters/aws/secrets-client.ts');
  const { createSecretReader } = await import('#shared/adapters/aws/secret-reader.ts');
  const { receiptSigningKey } = await import('#shared/adapters/aws/secret-keys.ts');
  const read = createSecretReader({ client: createSecretsClient({ region }), clock });
  return async () => receiptSigningKey(await read(secret));
}

/** Objects of a bucket; the AWS packages are loaded only where there is one. */
export async function createBucketStore(
  config: Pick<GpuConfig, 'AWS_REGION' | 'S3_ENDPOINT'>,
  bucket: string,
  clock: Clock,
): Promise<BlobStore> {
  const { createS3Client } = await import('#shared/adapters/aws/aws-clients.ts');
  const { createS3BlobStore } = await import('#shared/adapters/aws/s3-blob-store.ts');
  const client = createS3Client({
    region: config.AWS_REGION ?? 'us-east-1',
    ...defined({ endpoint: config.S3_ENDPOINT }),
  });
  return createS3BlobStore({ client, bucket, clock });
}
