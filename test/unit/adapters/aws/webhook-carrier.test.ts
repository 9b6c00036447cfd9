import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';

it('names the account of each message, so that the queue is fair between them', async () => {
  const sent: unknown[] = [];
  const client = {
    send: async ({ input }: SendMessageBatchCommand) => {
      sent.push(...(input.Entries ?? []));
      return {};
    },
  } as unknown as SQSClient;
  const clock = { now: () => 1000 };
  const onError = () => undefined;
  const carry = createWebhookCarrier({ client, queueUrl: 'q', clock, onError });
  const entry = { job: 'job' as JobId, event: 'completed', url: 'https://a.example' } as const;
  await carry([
    { ...entry, id: 'one', account: 'acc_1' as AccountId, createdAt: 0, attempts: 0 },
    {
      ...entry,
      id: 'two',
      account: 'acc_2' as AccountId,
      createdAt: 0,
      attempts: 1,
      nextAttemptAt: 3500,
    },
  ]);
  expect(sent).toMatchObject([
    { MessageGroupId: 'acc_1', DelaySeconds: 0 },
    { MessageGroupId: 'acc_2', DelaySeconds: 3 },
  ]);
});
