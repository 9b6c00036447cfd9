import type { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { describe, expect, it } from 'vitest';
import { createSageMakerQueue } from '#shared/adapters/aws/sagemaker-queue.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { microUsd } from '#shared/core/money.ts';
import { newId } from '#test/helpers/sample-jobs.ts';

const NOW = 1_800_000_000_000;
const MODEL = { name: 'a/b', digest: 'd'.repeat(64) };

function world(fault?: Error) {
  const sent: Record<string, unknown>[] = [];
  const client = {
    send: async ({ input }: { input: Record<string, unknown> }) => {
      sent.push(input);
      if (fault !== undefined) throw fault;
      return {};
    },
  } as unknown as SageMakerRuntimeClient;
  const queue = createSageMakerQueue({
    client,
    countInside: async () => 3,
    blobs: { put: async () => {} },
    models: [{ ...MODEL, endpoint: 'onestep-dev-a-b', maxInstances: 2, price: microUsd(4_000) }],
    clock: { now: () => NOW },
    settings: { jobsPerInstance: 4, invocationTimeoutSeconds: 600 },
  });
  return { queue, sent };
}

const request = (more: object = {}) =>
  ({
    job: newId(),
    model: MODEL,
    prompt: 'a cat',
    deadline: NOW + 600_000,
    ...more,
  }) as unknown as InferenceRequest;

const fault = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('an order to SageMaker', () => {
  it("goes to the model's endpoint under the job's id, inline, with a time to wait and one to run", async () => {
    const { queue, sent } = world();
    const order = request();
    await queue.submit(order);
    expect(sent).toEqual([
      {
        EndpointName: 'onestep-dev-a-b',
        ContentType: 'application/json',
        Accept: 'application/json',
        InferenceId: order.job,
        Filename: `${order.job}.json`,
        Body: new TextEncoder().encode(JSON.stringify(order)),
        RequestTTLSeconds: 600,
        InvocationTimeoutSeconds: 600,
      },
    ]);
    // SageMaker's own limits of both.
    expect(`${order.job}.json`).toMatch(/^(?=.{1,32}$)[a-zA-Z0-9][a-zA-Z0-9-_]*\.[a-z]+$/);
    expect(order.job.length).toBeLessThanOrEqual(64);
  });

  it.each([
    [-5_000, 60],
    [1_000, 60],
    [60_999, 60],
    [61_000, 61],
    [21_600_000, 21_600],
    [90_000_000, 21_600],
  ])('with a deadline in %d ms may wait %d s', async (leftMs, seconds) => {
    const { queue, sent } = world();
    await queue.submit(request({ deadline: NOW + leftMs }));
    expect(sent[0]?.['RequestTTLSeconds']).toBe(seconds);
  });

  it('of the longest prompt fits inline, whatever JSON makes of its characters', async () => {
    const { queue, sent } = world();
    await queue.submit(request({ prompt: '\u0001'.repeat(10_000) }));
    const body = sent[0]?.['Body'] as Uint8Array | undefined;
    expect(body?.length).toBeLessThanOrEqual(128_000);
  });

  it.each([
    ['ValidationError', 'Body is not valid', 'model-error', false],
    ['ValidationError', 'Endpoint onestep-dev-a-b of account 1 not found.', 'unavailable', true],
    ['ServiceUnavailable', 'busy', 'unavailable', true],
    ['InternalFailure', 'oops', 'unavailable', true],
    ['TimeoutError', 'no answer', 'unavailable', true],
  ])('refused with %s "%s" is %s', async (name, message, code, retryable) => {
    const { queue } = world(fault(name, message));
    await expect(queue.submit(request())).rejects.toMatchObject({ code, retryable });
  });

  it('finds room for so many per possible instance, less those inside', async () => {
    expect(await world().queue.capacity('a/b')).toBe(5);
  });
});
