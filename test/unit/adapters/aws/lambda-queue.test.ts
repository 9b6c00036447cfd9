import type { LambdaClient } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import { createLambdaQueue } from '#shared/adapters/aws/lambda-queue.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { microUsd } from '#shared/core/money.ts';

const MODEL = { name: 'a/b', digest: 'd'.repeat(64) };
const REQUEST = { job: 'j', model: MODEL, prompt: 'a cat' } as unknown as InferenceRequest;

function world(inside: number, fault?: Error) {
  const sent: Record<string, unknown>[] = [];
  const client = {
    send: async ({ input }: { input: Record<string, unknown> }) => {
      sent.push(input);
      if (fault !== undefined) throw fault;
      return {};
    },
  } as unknown as LambdaClient;
  const queue = createLambdaQueue({
    client,
    countInside: async () => inside,
    blobs: { put: async () => {} },
    models: [{ ...MODEL, endpoint: 'draws', maxInstances: 1, price: microUsd(4_000) }],
    inFlight: 3,
  });
  return { queue, sent };
}

it('invokes asynchronously, with the order as the event', async () => {
  const { queue, sent } = world(0);
  await queue.submit(REQUEST);
  const [{ Payload, ...rest } = {}] = sent;
  expect(rest).toEqual({ FunctionName: 'draws', InvocationType: 'Event' });
  expect(JSON.parse(new TextDecoder().decode(Payload as Uint8Array))).toEqual(REQUEST);
});

it('hands over no more than may run at one time', async () => {
  expect(await world(0).queue.capacity('a/b')).toBe(3);
  expect(await world(2).queue.capacity('a/b')).toBe(1);
  expect(await world(5).queue.capacity('a/b')).toBe(0);
});

it('lets an order wait that Lambda does not take', async () => {
  const { queue } = world(0, new Error('Rate Exceeded'));
  await expect(queue.submit(REQUEST)).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
  });
});
