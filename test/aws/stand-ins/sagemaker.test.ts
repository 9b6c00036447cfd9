import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvokeEndpointAsyncCommand } from '@aws-sdk/client-sagemaker-runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { createS3Client, createSageMakerRuntimeClient } from '#shared/adapters/aws/aws-clients.ts';
import { defined } from '#shared/core/defined.ts';
import { accessTo, createEmptyBucket } from '#test/helpers/aws-stand-ins.ts';
import { type SageMakerStandIn, startSageMaker } from '#test/stand-ins/sagemaker.ts';

/** A container that answers after a while and remembers what it was asked. */
async function startContainer(seen: string[], takesMs: number) {
  const server = createServer((request, response) => {
    if (request.url === '/ping') {
      response.writeHead(200).end();
      return;
    }
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(body);
      setTimeout(() => response.writeHead(body === 'bad' ? 500 : 200).end('{}'), takesMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

describe("the stand-in for SageMaker's asynchronous endpoints", () => {
  let standIn: SageMakerStandIn;
  afterEach(() => standIn.stop());

  async function start(options: { takesMs?: number; coldStartMs?: number; ttlSecondMs?: number }) {
    const seen: string[] = [];
    const told: Record<string, unknown>[] = [];
    const bucket = await createEmptyBucket();
    standIn = await startSageMaker({
      endpoint: 'e',
      s3: createS3Client(accessTo('s3')),
      sns: {
        createTopic: async () => '',
        subscribe: async () => {},
        publish: async (topic, message) => void told.push({ topic, ...JSON.parse(message) }),
      },
      outputPath: `s3://${bucket}/out/`,
      failurePath: `s3://${bucket}/fail/`,
      successTopic: 'good',
      errorTopic: 'bad',
      coldStartMs: options.coldStartMs ?? 0,
      inFlight: 1,
      ...defined({ ttlSecondMs: options.ttlSecondMs }),
      startGpu: () => startContainer(seen, options.takesMs ?? 0),
    });
    const client = createSageMakerRuntimeClient({
      ...accessTo('moto'),
      endpoint: standIn.url,
    });
    const invoke = (body: string, more: object = {}) =>
      client.send(
        new InvokeEndpointAsyncCommand({
          EndpointName: 'e',
          InferenceId: body,
          Body: new TextEncoder().encode(body),
          ...more,
        }),
      );
    return { seen, told, invoke };
  }

  it('answers at once, runs first in first out, and the same id twice', async () => {
    const { seen, told, invoke } = await start({ coldStartMs: 50 });
    const answer = await invoke('a', { Filename: 'a.json' });
    expect(answer).toMatchObject({ InferenceId: 'a' });
    expect(answer.OutputLocation).toMatch(/^s3:\/\/.+\/out\/a\.json$/);
    expect(answer.FailureLocation).toMatch(/\/fail\/a\.json$/);
    for (const body of ['b', 'c', 'b']) await invoke(body);
    await standIn.idle();
    expect(seen).toEqual(['a', 'b', 'c', 'b']);
    expect(told.map(({ inferenceId }) => inferenceId)).toEqual(['a', 'b', 'c', 'b']);
    expect(told[0]).toMatchObject({
      topic: 'good',
      invocationStatus: 'Completed',
      eventSource: 'aws:sagemaker',
      responseParameters: { outputLocation: answer.OutputLocation },
    });
  });

  it('expires what waited longer than its time', async () => {
    const { seen, told, invoke } = await start({ takesMs: 300, ttlSecondMs: 2 });
    await invoke('slow');
    await invoke('late', { RequestTTLSeconds: 60 });
    await invoke('patient', { RequestTTLSeconds: 21_600 });
    await standIn.idle();
    expect(seen).toEqual(['slow', 'patient']);
    const ends = told.map(({ inferenceId, invocationStatus }) => [inferenceId, invocationStatus]);
    expect(ends).toEqual([
      ['slow', 'Completed'],
      ['late', 'Expired'],
      ['patient', 'Completed'],
    ]);
  });

  it("tells of a container's failure on the other topic", async () => {
    const { told, invoke } = await start({});
    await invoke('bad');
    await standIn.idle();
    expect(told).toMatchObject([
      {
        topic: 'bad',
        invocationStatus: 'Failed',
        failureReason: expect.stringContaining('(500) from model'),
      },
    ]);
  });

  it.each([
    ['another endpoint', { EndpointName: 'other' }, /not found/],
    ['a name with two dots', { Filename: 'a.tar.gz' }, /filename/],
    ['a name of 33 characters', { Filename: `${'a'.repeat(28)}.json` }, /filename/],
    ['a time to wait under a minute', { RequestTTLSeconds: 59 }, /requestttlseconds/],
    ['a time to run above an hour', { InvocationTimeoutSeconds: 3601 }, /invocationtimeout/],
    ['an id of 65 characters', { InferenceId: 'a'.repeat(65) }, /inference-id/],
    ['a body and a location', { InputLocation: 's3://b/k' }, /Exactly one/],
    ['a body above 128,000 bytes', { Body: new Uint8Array(128_001) }, /128000/],
    ['neither', { Body: undefined }, /Exactly one/],
  ])('refuses %s', async (_, change, message) => {
    const { invoke } = await start({});
    await expect(invoke('a', change)).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringMatching(message),
    });
  });
});
