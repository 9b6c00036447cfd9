import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { defined } from '#shared/core/defined.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { type InvokeHeaders, parseInvokeHeaders, ValidationError } from './sagemaker-headers.ts';
import type { Sns } from './sns.ts';

/** A GPU function that listens on loopback. */
export interface RunningGpu {
  readonly url: string;
  stop(): Promise<void>;
}

export interface SageMakerOptions {
  readonly endpoint: string;
  readonly s3: S3Client;
  readonly sns: Sns;
  /** `s3://bucket/out/` and `s3://bucket/fail/`, as in AsyncInferenceConfig. */
  readonly outputPath: string;
  readonly failurePath: string;
  readonly successTopic: string;
  readonly errorTopic: string;
  /** Starts the container; it is ready when its `/ping` says so. */
  readonly startGpu: () => Promise<RunningGpu>;
  /** From the first waiting request to the start of the container: an instance has to be found. */
  readonly coldStartMs: number;
  /** How long a second of a TTL lasts. Default 1000; less to see one end. */
  readonly ttlSecondMs?: number;
  /** Requests that the container is sent at one time, as in AsyncInferenceConfig. */
  readonly inFlight?: number;
}

/** What goes wrong with the next notification, or with the next run. */
export type Fault = 'duplicate' | 'lose' | 'hold' | 'fail' | 'expire' | 'bare-failure' | 'unknown';

interface Waiting {
  readonly headers: InvokeHeaders;
  readonly inferenceId: string;
  readonly body: Buffer;
  readonly receivedAt: number;
  readonly outputLocation: string;
  readonly failureLocation: string;
}

export interface SageMakerStandIn {
  /** Address of both the runtime and the control plane. */
  readonly url: string;
  /** Applied to requests in the order of their ends. */
  nextFault(fault: Fault): void;
  /** Publishes what `hold` kept back, newest first. */
  releaseHeld(): Promise<void>;
  /** Requests that wait or run. */
  backlog(): number;
  /** Every InvokeEndpointAsync that was accepted. */
  accepted(): readonly string[];
  /** Allows no instance, as the kill switch does, or one again. */
  setMost(count: 0 | 1): void;
  /** Takes the instance away, as scaling to zero does. */
  scaleToZero(): Promise<void>;
  /** The same, and no instance is found before `thaw`. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Waits until so many orders were accepted, counted from the start. */
  untilAccepted(count: number): Promise<void>;
  /** Instances that run now. */
  instances(): number;
  /** How often a container was started. */
  starts(): number;
  /** Waits until nothing waits or runs. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A strict stand-in for one SageMaker asynchronous endpoint: the wire format of InvokeEndpointAsync and
 * of DescribeEndpoint; no instance until something waits or scaling asks for one; first in, first out, three at a time; requests
 * expire; nothing can be cancelled or asked about; the same InferenceId twice runs twice; results and
 * failures go to S3 and word of them to SNS, once unless told otherwise.
 */
export async function startSageMaker(options: SageMakerOptions): Promise<SageMakerStandIn> {
  const endpoint = createEndpoint(options);
  const server = createServer((request, response) => {
    handle(options, endpoint, request).then(
      (answer) => send(response, answer),
      (error: unknown) => send(response, toErrorAnswer(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ...endpoint.controls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await endpoint.controls.stop();
    },
  };
}

function createEndpoint(options: SageMakerOptions) {
  const queue: Waiting[] = [];
  const accepted: string[] = [];
  const faults: Fault[] = [];
  const held: (() => Promise<void>)[] = [];
  let gpu: RunningGpu | undefined;
  let desired = 0;
  let max = 1;
  let least = 0;
  let starts = 0;
  let modifiedAt = Date.now();
  let running = 0;
  let stopped = false;
  let frozen = false;
  const lanes = new Set<Promise<void>>();
  let starting: Promise<void> | undefined;

  const scaleOut = async () => {
    desired = 1;
    modifiedAt = Date.now();
    await pause(options.coldStartMs);
    while (frozen && !stopped) await pause(20);
    if (stopped) return;
    starts++;
    const started = await options.startGpu();
    gpu = started;
    // It may be taken away before it is ready.
    while (!stopped && gpu === started && !(await isReady(started.url))) await pause(50);
  };
  /** One start at a time, whoever asks for it. */
  const ensureInstance = async () => {
    starting ??= scaleOut().finally(() => {
      starting = undefined;
    });
    await starting;
  };

  /** A start whose instance was taken away before it was ready does not count as one. */
  const keepLeast = async () => {
    await starting;
    if (least > 0 && gpu === undefined && !stopped) await ensureInstance();
  };

  /** One of those that are in flight at one time. */
  const lane = async () => {
    while (queue.length > 0 && !stopped) {
      if (gpu === undefined) await ensureInstance();
      const waiting = gpu === undefined ? undefined : queue.shift();
      if (waiting === undefined || gpu === undefined) break;
      running += 1;
      const fault = faults.shift();
      await runOne(options, gpu, waiting, fault, held).finally(() => {
        running -= 1;
      });
    }
  };

  const enqueue = (waiting: Waiting) => {
    accepted.push(waiting.inferenceId);
    queue.push(waiting);
    if (lanes.size >= (options.inFlight ?? ORDER_FLOW.inFlight)) return;
    const working: Promise<void> = lane().finally(() => lanes.delete(working));
    lanes.add(working);
  };

  const scaleToZero = async () => {
    await gpu?.stop();
    gpu = undefined;
    desired = 0;
    modifiedAt = Date.now();
  };

  return {
    enqueue,
    /** Application Auto Scaling: an instance at the least, as soon as that is asked for. */
    keepAtLeast(count: number) {
      if (count > max) throw new ValidationError('Minimum capacity cannot exceed the maximum');
      least = count;
      void keepLeast();
    },
    describe: () => ({
      current: gpu === undefined ? 0 : 1,
      desired: gpu === undefined ? desired : 1,
      modifiedAt,
    }),
    scaleToZero,
    controls: {
      /** Allows no instance, as the kill switch does, or one again. */
      setMost: (count: 0 | 1) => {
        max = count;
      },
      nextFault: (fault: Fault) => void faults.push(fault),
      releaseHeld: async () => {
        for (const publish of held.splice(0).reverse()) await publish();
      },
      backlog: () => queue.length + running,
      accepted: () => [...accepted],
      scaleToZero,
      freeze: async () => {
        frozen = true;
        await scaleToZero();
      },
      thaw: () => {
        frozen = false;
      },
      untilAccepted: async (count: number) => {
        while (accepted.length < count && !stopped) await pause(20);
      },
      instances: () => (gpu === undefined ? 0 : 1),
      starts: () => starts,
      idle: async () => {
        while (queue.length + running > 0) await pause(20);
        await Promise.all(lanes);
      },
      stop: async () => {
        stopped = true;
        queue.length = 0;
        await gpu?.stop();
        await Promise.all(lanes);
      },
    },
  };
}

async function runOne(
  options: SageMakerOptions,
  gpu: RunningGpu,
  waiting: Waiting,
  fault: Fault | undefined,
  held: (() => Promise<void>)[],
): Promise<void> {
  const ttlMs = waiting.headers.ttlSeconds * (options.ttlSecondMs ?? 1_000);
  if (fault === 'expire' || Date.now() - waiting.receivedAt > ttlMs) {
    return notify(options, waiting, { status: 'Expired' }, fault, held);
  }
  if (fault === 'bare-failure') {
    const reason = 'ClientError: the instance was lost';
    return notify(options, waiting, { status: 'Failed', reason, isBare: true }, fault, held);
  }
  const answer = await invoke(gpu, waiting, fault);
  const location = answer.ok ? waiting.outputLocation : waiting.failureLocation;
  await putObject(options.s3, location, answer.body);
  if (answer.ok) {
    const status = fault === 'unknown' ? 'Vanished' : 'Completed';
    return notify(options, waiting, { status }, fault, held);
  }
  const reason = `ClientError: Received server error (${answer.status}) from model. See the SageMaker Endpoint logs for more information.`;
  return notify(options, waiting, { status: 'Failed', reason, body: answer.body }, fault, held);
}

async function invoke(gpu: RunningGpu, waiting: Waiting, fault: Fault | undefined) {
  const body = fault === 'fail' ? Buffer.from('{"job":1}') : waiting.body;
  try {
    const answer = await fetch(`${gpu.url}/invocations`, {
      method: 'POST',
      headers: {
        'content-type': waiting.headers.contentType,
        accept: waiting.headers.accept,
        'x-amzn-sagemaker-inference-id': waiting.inferenceId,
      },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(waiting.headers.timeoutSeconds * 1_000),
    });
    return { ok: answer.ok, status: answer.status, body: await answer.text() };
  } catch (error) {
    return { ok: false, status: 500, body: error instanceof Error ? error.message : 'lost' };
  }
}

/** The message of a real endpoint, member for member, and its fate. */
async function notify(
  options: SageMakerOptions,
  waiting: Waiting,
  end: { status: string; reason?: string; body?: string; isBare?: boolean },
  fault: Fault | undefined,
  held: (() => Promise<void>)[],
): Promise<void> {
  const isGood = end.status === 'Completed';
  const message = {
    awsRegion: 'us-east-1',
    eventTime: new Date().toISOString(),
    receivedTime: new Date(waiting.receivedAt).toISOString(),
    invocationStatus: end.status,
    ...defined({ failureReason: end.reason }),
    requestParameters: {
      contentType: waiting.headers.contentType,
      accept: waiting.headers.accept,
      endpointName: options.endpoint,
    },
    ...(isGood
      ? {
          responseParameters: {
            contentType: 'application/json',
            outputLocation: waiting.outputLocation,
          },
        }
      : end.isBare === true
        ? {}
        : { responseParameters: { failureLocation: waiting.failureLocation } }),
    inferenceId: waiting.inferenceId,
    eventVersion: '1.0',
    eventSource: 'aws:sagemaker',
    eventName: 'InferenceResult',
  };
  const publish = async () => {
    const topic = isGood ? options.successTopic : options.errorTopic;
    await options.sns.publish(topic, JSON.stringify(message));
  };
  if (fault === 'lose') return;
  if (fault === 'hold') return void held.push(publish);
  await publish();
  if (fault === 'duplicate') await publish();
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

async function handle(
  options: SageMakerOptions,
  endpoint: ReturnType<typeof createEndpoint>,
  request: IncomingMessage,
): Promise<Answer> {
  const body = await readAll(request);
  if (request.headers['x-amz-target'] === 'SageMaker.DescribeEndpoint') {
    return describeEndpoint(options, endpoint, body);
  }
  if (request.headers['x-amz-target'] === 'AnyScaleFrontendService.RegisterScalableTarget') {
    const { MinCapacity } = JSON.parse(body.toString()) as { MinCapacity: number };
    endpoint.keepAtLeast(MinCapacity);
    return { status: 200, body: { ScalableTargetARN: 'arn' } };
  }
  if (request.headers['x-amz-target'] === 'SageMaker.UpdateEndpointWeightsAndCapacities') {
    const { current, desired } = endpoint.describe();
    if (current !== desired) throw new ValidationError('Cannot update in-progress endpoint');
    await endpoint.scaleToZero();
    return { status: 200, body: { EndpointArn: 'arn' } };
  }
  const match = /^\/endpoints\/([^/]+)\/async-invocations$/.exec(request.url ?? '');
  if (request.method !== 'POST' || match === null) {
    throw new ValidationError(`Unknown operation ${request.method} ${request.url}`);
  }
  if (decodeURIComponent(match[1] ?? '') !== options.endpoint) {
    throw new ValidationError(`Endpoint ${match[1]} of account 000000000000 not found.`);
  }
  const headers = parseInvokeHeaders(request.headers, body);
  const inferenceId = headers.inferenceId ?? randomUUID();
  const name = headers.filename ?? `${randomUUID()}.out`;
  const outputLocation = `${options.outputPath}${name}`;
  const failureLocation = `${options.failurePath}${name}`;
  const receivedAt = Date.now();
  endpoint.enqueue({ headers, inferenceId, body, receivedAt, outputLocation, failureLocation });
  return {
    status: 202,
    headers: {
      'x-amzn-sagemaker-outputlocation': outputLocation,
      'x-amzn-sagemaker-failurelocation': failureLocation,
    },
    body: { InferenceId: inferenceId },
  };
}

function describeEndpoint(
  options: SageMakerOptions,
  endpoint: ReturnType<typeof createEndpoint>,
  body: Buffer,
): Answer {
  const { EndpointName } = JSON.parse(body.toString()) as { EndpointName: string };
  if (EndpointName !== options.endpoint) throw new ValidationError('Could not find endpoint');
  const { current, desired, modifiedAt } = endpoint.describe();
  return {
    status: 200,
    body: {
      EndpointName,
      EndpointArn: `arn:aws:sagemaker:us-east-1:000000000000:endpoint/${EndpointName}`,
      EndpointStatus: current === desired ? 'InService' : 'Updating',
      CreationTime: 1_700_000_000,
      LastModifiedTime: modifiedAt / 1000,
      ProductionVariants: [
        { VariantName: 'gpu', CurrentInstanceCount: current, DesiredInstanceCount: desired },
      ],
    },
  };
}

function toErrorAnswer(error: unknown): Answer {
  const isValidation = error instanceof ValidationError;
  return {
    status: isValidation ? 400 : 500,
    headers: { 'x-amzn-errortype': isValidation ? 'ValidationError' : 'InternalFailure' },
    body: { Message: error instanceof Error ? error.message : 'unknown' },
  };
}

function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
    ...answer.headers,
  });
  response.end(JSON.stringify(answer.body));
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function putObject(s3: S3Client, location: string, body: string): Promise<void> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(location) ?? [];
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/ping`).then(
    (answer) => answer.status === 200,
    () => false,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
