import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { encodeWebhookMessage } from './webhook-message.ts';

/** Hands outbox entries to the function that delivers them. */
export type CarryWebhooks = (
  entries: readonly Pick<OutboxEntry, 'id' | 'attempts'>[],
) => Promise<void>;

/** Most messages that SQS takes at one time. */
const BATCH = 10;

/**
 * Puts entries on the webhook queue. Never throws: an entry stays due in the outbox until an attempt
 * is recorded, and the sweep carries what is.
 */
export function createWebhookCarrier(deps: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly onError: (error: unknown, what: string) => void;
}): CarryWebhooks {
  const send = async (entries: readonly Pick<OutboxEntry, 'id' | 'attempts'>[]) => {
    const answer = await deps.client.send(
      new SendMessageBatchCommand({
        QueueUrl: deps.queueUrl,
        Entries: entries.map((entry, i) => ({
          Id: String(i),
          MessageBody: encodeWebhookMessage(entry),
        })),
      }),
    );
    for (const failed of answer.Failed ?? []) {
      deps.onError(new Error(failed.Message ?? failed.Code), 'carrying a webhook');
    }
  };
  return async (entries) => {
    for (let start = 0; start < entries.length; start += BATCH) {
      try {
        await send(entries.slice(start, start + BATCH));
      } catch (error) {
        deps.onError(error, 'carrying webhooks');
      }
    }
  };
}
