import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import { stageDrawingFunction } from '#functions/cli/deploy/stage-drawing.ts';
import type { CloudFrontRequest, CloudFrontResponse } from '#functions/edge/origin-request.ts';
import type { BundleName } from '#infra/bundles.ts';
import { createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { createAwsSystem } from '#shared/adapters/aws/aws-system.ts';
import type { QueueAnswer, QueueEvent } from '#shared/adapters/aws/queue-event.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { defined } from '#shared/core/defined.ts';
import { endpointName, macSecretName, modelPrefix } from '#shared/deployment/names.ts';
import { startAsynchronousFunction } from '#test/stand-ins/lambda/asynchronous-function.ts';
import type { DeployedFunction } from '#test/stand-ins/lambda/deployed-function.ts';
import { emulateFunction } from '#test/stand-ins/lambda/emulated-function.ts';
import type { EnvironmentOptions } from '#test/stand-ins/lambda/environment.ts';
import { readUrlAnswer } from '#test/stand-ins/lambda/function-url.ts';
import { installLambda } from '#test/stand-ins/lambda/install.ts';
import { runFunction } from '#test/stand-ins/lambda/running-function.ts';
import { createSns } from '#test/stand-ins/sns.ts';
import { accessTo } from './aws-stand-ins.ts';
import {
  type CloudOptions,
  createCustomers,
  createTestPlatform,
  MODEL,
  startEndpoint,
} from './cloud.ts';
import { startCloudFront } from './cloud-front.ts';
import { type CloudResources, createCloudResources } from './cloud-resources.ts';
import {
  type DeployedFunctions,
  type SynthesisedFunction,
  synthesiseFunctions,
  withValues,
} from './deployed-functions.ts';
import { startQueuePump } from './queue-pump.ts';
import { ROOT } from './root.ts';

/** Concurrent executions of a new account. */
const NEW_ACCOUNT_CONCURRENCY = 10;

/** The deployment as it is uploaded: every bundle under AWS's own runtime, over the stand-ins. */
export type DeployedCloud = Awaited<ReturnType<typeof startDeployedCloud>>;

/**
 * Synthesises the stacks and runs what they would upload, each function with its template's variables,
 * time limit and memory: the API on our Runtime API, which streams; the others under AWS's emulator.
 */
export async function startDeployedCloud(options: DeployedCloudOptions) {
  if (options.compute === 'lambda') await stageDrawingFunction(runCommand, ROOT);
  const resources = await createCloudResources(options.manifest, macSecretName('dev'));
  const platform = createTestPlatform(() => {}, options.time);
  const system = createAwsSystem(platform, {
    tableName: resources.tableName,
    bucket: resources.outputBucket,
  });
  const readSecret = createSecretReader({
    client: createSecretsClient(accessTo('moto')),
    clock: platform.clock,
  });
  const macKeys = parseMacKeys(await readSecret(resources.macSecret));
  const newCustomer = createCustomers(platform, system, macKeys);
  const operator = await newCustomer(10_000_000, 'demo');
  const made = await synthesiseFunctions({
    'onestep:models': [
      { name: MODEL, digest: options.manifest.digest, ...defined({ compute: options.compute }) },
    ],
    'onestep:operatorAccount': operator.account,
  });
  if (made.drawing !== undefined) await putPackage(options, resources.modelBucket);
  const running = await runDeployment(options, resources, made);
  return { ...running, system, platform, newCustomer, operator };
}

type DeployedCloudOptions = CloudOptions & {
  readonly compute?: 'lambda';
  /** What the function that draws has otherwise than its template says. */
  readonly drawing?: Partial<Pick<DeployedFunction, 'memoryMib' | 'timeoutSeconds'>>;
};

/** Runs functions that were synthesised over resources that are there. */
export async function runDeployment(
  options: DeployedCloudOptions,
  resources: CloudResources,
  { functions, drawing, remove }: DeployedFunctions,
) {
  const parts = await installLambda();
  const platform = createTestPlatform(() => {}, options.time);
  const endpoint = endpointName('dev', MODEL);
  const sageMaker = await startEndpoint(endpoint, options, resources);
  const lines: string[] = [];
  const { accessKeyId, secretAccessKey, dynamoDb, s3, moto } = inject('standIns');
  const endpoints = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_SQS: moto,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: moto,
    AWS_ENDPOINT_URL_SAGEMAKER: sageMaker.url,
    AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: sageMaker.url,
    AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING: sageMaker.url,
  };
  const values: Record<string, string> = {
    TABLE_NAME: resources.tableName,
    OUTPUT_BUCKET_NAME: resources.outputBucket,
    MODEL_BUCKET_NAME: resources.modelBucket,
    PACKAGE_BUCKET_NAME: resources.modelBucket,
    DISPATCH_QUEUE_URL: resources.dispatchQueue,
    WEBHOOK_QUEUE_URL: resources.webhookQueue,
    MAC_SECRET_ARN: resources.macSecret,
    RECEIPT_SECRET_ARN: resources.receiptSecret,
    INSPECT_FUNCTION: 'inspect',
    PUBLIC_URL: 'https://d111111abcdef8.cloudfront.net',
  };
  const optionsFor = (fn: SynthesisedFunction, more: Readonly<Record<string, string>> = {}) => ({
    parts,
    credentials: { accessKeyId, secretAccessKey },
    fn: withValues(fn, values, { ...endpoints, ...more }),
    onLine: (line: string) => void lines.push(line),
  });
  let drawingOptions: EnvironmentOptions | undefined;
  if (drawing !== undefined) {
    const fn = optionsFor({ ...drawing, name: endpoint });
    // As with Lambda: a start of more than ten seconds, on a busy machine, goes on with the first event.
    const initTimeoutMs = 120_000;
    drawingOptions = { ...fn, initTimeoutMs, fn: { ...fn.fn, ...options.drawing } };
  }
  const drawn =
    drawingOptions &&
    (await startAsynchronousFunction({
      ...drawingOptions,
      sns: createSns(moto),
      successTopic: resources.successTopic,
      errorTopic: resources.errorTopic,
      maxConcurrency: NEW_ACCOUNT_CONCURRENCY,
    }));
  const optionsOf = (name: BundleName) =>
    optionsFor(functions[name], drawn && { AWS_ENDPOINT_URL_LAMBDA: drawn.url });
  const api = runFunction(optionsOf('api'), NEW_ACCOUNT_CONCURRENCY);
  const [edge, dispatch, complete, webhooks, sweep] = await Promise.all(
    (['edge', 'dispatch', 'complete', 'webhooks', 'sweep'] as const).map((name) =>
      emulateFunction(optionsOf(name)),
    ),
  );
  if (!edge || !dispatch || !complete || !webhooks || !sweep) throw new Error('not all started');

  const front = await startCloudFront({
    edge: async (event) => (await edge.invoke(event)) as CloudFrontRequest | CloudFrontResponse,
    api: async (event) => readUrlAnswer(await api.invoke(event)),
  });
  const pumped = [
    startQueuePump(platform.sqs, resources.dispatchQueue, asQueueHandler(dispatch.invoke)),
    startQueuePump(platform.sqs, resources.completionQueue, asQueueHandler(complete.invoke)),
    startQueuePump(platform.sqs, resources.webhookQueue, asQueueHandler(webhooks.invoke)),
  ];
  const emulated = { edge, dispatch, complete, webhooks, sweep };
  return {
    url: front.url,
    resources,
    sageMaker,
    functions,
    /** The function that draws, and what its environments are started with. */
    drawn,
    drawingOptions,
    /** What a function is started with, to start another with something changed. */
    optionsOf,
    /** Every line that the functions have written. */
    lines,
    api,
    emulated,
    sweep: () => sweep.invoke({}),
    async stop() {
      await front.stop();
      await Promise.all(pumped.map((pump) => pump.stop()));
      await Promise.all([api, ...Object.values(emulated)].map((fn) => fn.stop()));
      await drawn?.stop();
      await sageMaker.stop();
      remove();
    },
  };
}

/** What `onestep push` does: every file of the package. */
async function putPackage({ folder, manifest }: CloudOptions, bucket: string): Promise<void> {
  const s3 = createS3Client(accessTo('s3'));
  for (const file of Object.keys(manifest.files)) {
    const Key = `${modelPrefix(manifest.digest)}${file}`;
    const Body = readFileSync(join(folder, file));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  }
}

/** A handler for the queue's pump; a function that failed has handled nothing. */
function asQueueHandler(invoke: (event: unknown) => Promise<unknown>) {
  return async (event: QueueEvent): Promise<QueueAnswer | undefined> => {
    const answer = (await invoke(event)) as (QueueAnswer & { errorType?: string }) | null;
    if (answer?.errorType !== undefined) throw new Error(JSON.stringify(answer));
    return answer ?? undefined;
  };
}
