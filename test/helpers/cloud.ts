import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { composeApi } from '#functions/api/compose.ts';
import { loadApiConfig } from '#functions/api/config.ts';
import { createBackgroundWork, createStreamHandler } from '#functions/api/http/lambda-adapter.ts';
import { createRemoteInspection } from '#functions/api/verify/remote-inspection.ts';
import { composeComplete } from '#functions/complete/compose.ts';
import { loadCompleteConfig } from '#functions/complete/config.ts';
import { composeDispatch } from '#functions/dispatch/compose.ts';
import { loadDispatchConfig } from '#functions/dispatch/config.ts';
import { composeEdge } from '#functions/edge/compose.ts';
import { loadEdgeConfig } from '#functions/edge/config.ts';
import { composeSweep } from '#functions/sweep/compose.ts';
import { loadSweepConfig } from '#functions/sweep/config.ts';
import { composeWebhooks } from '#functions/webhooks/compose.ts';
import { loadWebhooksConfig } from '#functions/webhooks/config.ts';
import {
  createDynamoClient,
  createS3Client,
  createSageMakerRuntimeClient,
  createSqsClient,
} from '#shared/adapters/aws/aws-clients.ts';
import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createEndpointControl } from '#shared/adapters/aws/endpoint-control.ts';
import { createEndpointState } from '#shared/adapters/aws/endpoint-state.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { createSafeFetch } from '#shared/adapters/http/safe-fetch.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { VARIANT_NAME } from '#shared/deployment/names.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import type { MacKeys } from '#shared/service/domain/key-format.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import { startGpuProcess } from '#test/stand-ins/gpu-process.ts';
import { type SageMakerStandIn, startSageMaker } from '#test/stand-ins/sagemaker.ts';
import { createSns } from '#test/stand-ins/sns.ts';
import { accessTo } from './aws-stand-ins.ts';
import { createCallRecorder } from './called-actions.ts';
import { startCloudFront } from './cloud-front.ts';
import { createCloudResources } from './cloud-resources.ts';
import { inspectLambda } from './inspect-lambda.ts';
import { answerOf, installLambdaRuntime } from './lambda-events.ts';
import { startQueuePump } from './queue-pump.ts';
import { newId, sampleAudit, sampleGrant } from './sample-jobs.ts';
import type { Served } from './served.ts';
import type { SkippingTime } from './skipping-time.ts';

export const MODEL = 'onestep/demo';
const ENDPOINT = 'onestep-test-demo';
export const PRICE = 4_000;

export interface CloudOptions {
  /** A model package's folder and its manifest. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly ttlSecondMs?: number;
  readonly jobDeadlineSeconds?: number;
  readonly jobsPerInstance?: number;
  /** Sells to payers without an account, as `onestep:x402` says. */
  readonly x402?: {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly secretArn: string;
  };
  /** Sells credit by card, as `onestep:stripeSecretArn` says. */
  readonly stripeSecretArn?: string;
  /** What the functions take for the time. Default: the real one. */
  readonly time?: Pick<SkippingTime, 'clock' | 'sleep'>;
}

/** The whole deployment, with its functions' own compositions, over stand-ins. */
export type Cloud = Awaited<ReturnType<typeof startCloud>>;

/** Starts it; `stop` ends every process and server that it started. */
export async function startCloud(options: CloudOptions) {
  const resources = await createCloudResources(options.manifest);
  const lines: string[] = [];
  let replacement: Uint8Array | undefined;
  const s3 = createS3Client(accessTo('s3'));
  const platform = {
    ...createTestPlatform((line) => lines.push(line), options.time),
    s3: replacingPictures(s3, () => replacement),
  };
  const recorder = createCallRecorder(resources);
  const platformOf = (by: string) => ({
    ...platform,
    dynamo: recorder.watch(by, platform.dynamo),
    s3: recorder.watch(by, platform.s3),
    sqs: recorder.watch(by, platform.sqs),
  });
  const sageMaker = await startEndpoint(ENDPOINT, options, resources);
  const readSecret = createSecretReader({
    client: createSecretsClient(accessTo('moto')),
    clock: platform.clock,
  });
  const models = JSON.stringify([
    {
      name: MODEL,
      digest: options.manifest.digest,
      endpoint: ENDPOINT,
      maxInstances: 1,
      price: PRICE,
    },
  ]);
  const common = {
    AWS_REGION: 'us-east-1',
    TABLE_NAME: resources.tableName,
    OUTPUT_BUCKET_NAME: resources.outputBucket,
    DISPATCH_QUEUE_URL: resources.dispatchQueue,
    WEBHOOK_QUEUE_URL: resources.webhookQueue,
    RECEIPT_SECRET_ARN: resources.receiptSecret,
    MODELS: models,
    SCALED_VARIANT: VARIANT_NAME,
  };
  const x402 = options.x402 && {
    X402: JSON.stringify(options.x402.settings),
    X402_SECRET_ARN: options.x402.secretArn,
  };
  const sageMakerAccess = { ...accessTo('moto'), endpoint: sageMaker.url };
  const endpointControlOf = (by: string) => (variant: string) =>
    createEndpointControl({
      sageMaker: recorder.watch(by, new SageMakerClient(sageMakerAccess)),
      scaling: recorder.watch(by, new ApplicationAutoScalingClient(sageMakerAccess)),
      variant,
    });

  const system = createAwsSystem(platform, {
    tableName: resources.tableName,
    bucket: resources.outputBucket,
  });
  const macKeys = parseMacKeys(await readSecret(resources.macSecret));

  const newCustomer = createCustomers(platform, system, macKeys);
  const operator = await newCustomer(10_000_000, 'demo');

  installLambdaRuntime();
  const { waitUntil, settled } = createBackgroundWork();
  const api = await composeApi(
    loadApiConfig({
      ...common,
      MODEL_BUCKET_NAME: resources.modelBucket,
      MAC_SECRET_ARN: resources.macSecret,
      INSPECT_FUNCTION: 'inspect',
      OPERATOR_ACCOUNT: operator.account,
      JOB_DEADLINE_SECONDS: String(options.jobDeadlineSeconds ?? 600),
      ...x402,
      ...defined({ STRIPE_SECRET_ARN: options.stripeSecretArn }),
    }),
    {
      ...platformOf('Api'),
      readSecret: recorder.watchSecrets('Api', readSecret),
      endpointState: createEndpointState({
        client: recorder.watch('Api', new SageMakerClient(sageMakerAccess)),
        clock: platform.clock,
      }),
      endpointControl: endpointControlOf('Api'),
      inspectImage: createRemoteInspection(inspectLambda(), 'inspect'),
      waitUntil,
      allowLocalWebhooks: true,
    },
  );
  const edge = composeEdge(
    loadEdgeConfig({
      MAC_SECRET_ARN: resources.macSecret,
      MAC_SECRET_REGION: 'us-east-1',
      ...(x402 !== undefined && { X402: '1' }),
    }),
    { ...platform, readSecret, onError: platform.log.error },
  );
  const handler = createStreamHandler({
    api: async () => (request, env) => api.fetch(request, env),
    settled,
    onError: platform.log.error,
  });
  const front = await startCloudFront({
    edge,
    api: (event) => answerOf(handler as unknown as Parameters<typeof answerOf>[0], event),
  });
  const dispatch = composeDispatch(
    loadDispatchConfig({
      ...common,
      ...(options.jobsPerInstance === undefined
        ? {}
        : { JOBS_PER_INSTANCE: String(options.jobsPerInstance) }),
    }),
    {
      ...platformOf('Dispatch'),
      sageMakerRuntime: recorder.watch('Dispatch', createSageMakerRuntimeClient(sageMakerAccess)),
      lambda: recorder.watch('Dispatch', new LambdaClient(sageMakerAccess)),
    },
  );
  const webhooks = composeWebhooks(
    loadWebhooksConfig({ ...common, PUBLIC_URL: front.url.replace('http:', 'https:') }),
    { ...platformOf('Webhooks'), readSecret },
    createSafeFetch({ allowLocal: true }),
  );
  const complete = composeComplete(loadCompleteConfig(common), platformOf('Complete'));
  const sweep = composeSweep(loadSweepConfig({ ...common, ...x402 }), {
    ...platformOf('Sweep'),
    readSecret: recorder.watchSecrets('Sweep', readSecret),
    endpointControl: endpointControlOf('Sweep'),
  });
  const completions = startQueuePump(platform.sqs, resources.completionQueue, complete);
  const pumps = [
    startQueuePump(platform.sqs, resources.dispatchQueue, async () => {
      await dispatch();
      return undefined;
    }),
    completions,
    startQueuePump(platform.sqs, resources.webhookQueue, webhooks),
  ];
  return {
    url: front.url,
    resources,
    sageMaker,
    system,
    platform,
    complete,
    /** How many messages of ended orders were handled. */
    completionsHandled: completions.handled,
    sweep,
    /** What the functions have asked of AWS. */
    calls: recorder.calls,
    /** Every line that the functions have logged. */
    lines,
    /** A new account with credit, and a key of it with every scope. */
    newCustomer,
    /** The operator's account, which may see to others. */
    operator,
    /** From now on the functions read this in place of every picture; undefined: what is there. */
    replaceOutputs(bytes: Uint8Array | undefined) {
      replacement = bytes;
    },
    async readWholeTable() {
      const items: unknown[] = [];
      let start: Record<string, unknown> | undefined;
      do {
        const page = await platform.dynamo.send(
          new ScanCommand({ TableName: resources.tableName, ExclusiveStartKey: start }),
        );
        items.push(...(page.Items ?? []));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return items;
    },
    async stop() {
      await front.stop();
      await Promise.all(pumps.map((pump) => pump.stop()));
      await sageMaker.stop();
    },
  };
}

/** Makes accounts with credit, and a key of each with every scope. */
export function createCustomers(
  platform: Platform,
  system: ReturnType<typeof createAwsSystem>,
  macKeys: MacKeys,
) {
  const keys = createKeyService({
    keys: system.keys,
    ledger: system.ledger,
    clock: platform.clock,
    randomBytes: platform.randomBytes,
    macKeys,
  });
  return async (credit: number, name = 'test') => {
    const account = `acc_${newId()}` as AccountId;
    await system.ledger.createAccount(
      { id: account, name, createdAt: Date.now(), balance: ZERO_USD, held: ZERO_USD },
      sampleAudit(account),
    );
    if (credit > 0) await system.ledger.grant(sampleGrant(account, microUsd(credit)));
    const scopes = ['predict', 'read', 'admin'] as const;
    const request = { account, label: 'test', scopes, ratePerMinute: 6_000 };
    return { account, key: (await keys.issue(request, 'cli')).text };
  };
}

/** A client that reads other bytes for pictures, where there are some. */
function replacingPictures(s3: S3Client, replacement: () => Uint8Array | undefined): S3Client {
  return new Proxy(s3, {
    get(target, property, receiver) {
      if (property !== 'send') return Reflect.get(target, property, receiver);
      return async (command: Parameters<S3Client['send']>[0]) => {
        const bytes = replacement();
        const isPicture =
          command instanceof GetObjectCommand && command.input.Key?.endsWith('.png') === true;
        if (bytes === undefined || !isPicture) return target.send(command as GetObjectCommand);
        return { Body: { transformToByteArray: async () => bytes } };
      };
    },
  });
}

export function createTestPlatform(
  write: (line: string) => void,
  time: CloudOptions['time'] = { clock: { now: () => Date.now() }, sleep: (ms) => sleep(ms) },
): Platform {
  const { clock } = time;
  return {
    dynamo: createDynamoClient(accessTo('dynamoDb')),
    s3: createS3Client(accessTo('s3')),
    sqs: createSqsClient(accessTo('moto')),
    ...time,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    random: Math.random,
    log: createJsonLog({ function: 'test', clock, write }),
  };
}

export function startEndpoint(
  endpoint: string,
  options: CloudOptions,
  resources: Awaited<ReturnType<typeof createCloudResources>>,
): Promise<SageMakerStandIn> {
  const s3Access = accessTo('s3');
  const moto = accessTo('moto').endpoint ?? '';
  return startSageMaker({
    endpoint,
    s3: createS3Client(s3Access),
    sns: createSns(moto),
    outputPath: `s3://${resources.outputBucket}/out/`,
    failurePath: `s3://${resources.outputBucket}/fail/`,
    successTopic: resources.successTopic,
    errorTopic: resources.errorTopic,
    coldStartMs: 0,
    ...defined({ ttlSecondMs: options.ttlSecondMs }),
    startGpu: () =>
      startGpuProcess({
        MODEL_FOLDERS: options.folder,
        OUTPUT_BUCKET_NAME: resources.outputBucket,
        AWS_REGION: 'us-east-1',
        RECEIPT_SECRET_ARN: resources.receiptSecret,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: moto,
        S3_ENDPOINT: s3Access.endpoint ?? '',
        AWS_ACCESS_KEY_ID: s3Access.credentials?.accessKeyId ?? '',
        AWS_SECRET_ACCESS_KEY: s3Access.credentials?.secretAccessKey ?? '',
      }),
  });
}

/** A cloud as the suites of clients see it. */
export function asServed(cloud: Pick<Cloud, 'url' | 'operator'>): Served {
  const { key } = cloud.operator;
  return {
    url: cloud.url,
    keys: { key, adminKey: key },
    hardware: 'sagemaker-async',
    async call(method, path, body) {
      const answer = await fetch(cloud.url + path, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return text === '' ? undefined : JSON.parse(text);
    },
    close: async () => {},
  };
}
