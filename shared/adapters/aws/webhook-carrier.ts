import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Clock } from '#shared/core/clock.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { encodeWebhookMessage } from './webhook-message.ts';

/** Hands outbox entries to the function that delivers them. */
export type CarryWebhooks = (entries: readonly OutboxEntry[]) => Promise<void>;

/** Most messages that SQS takes at one time, and the longest that it keeps one back. */
const BATCH = 10;
const MAX_DELAY_SECONDS = 900;

/**
 * Puts entries on the webhook queue. Never throws: an entry stays due in the outbox until an attempt
 * is recorded, and the sweep carries what is.
 */
export function createWebhookCarrier(deps: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly onError: (error: unknown, what: string) => void;
}): CarryWebhooks {
  const delaySeconds = ({ nextAttemptAt = 0 }: OutboxEntry): number => {
    const seconds = Math.ceil((nextAttemptAt - deps.clock.now()) / 1000);
    return Math.min(MAX_DELAY_SECONDS, Math.max(0, seconds));
  };
  const send = async (entries: readonly OutboxEntry[]) => {
    const answer = await deps.client.send(
      new SendMessageBatchCommand({
        QueueUrl: deps.queueUrl,
        Entries: entries.map((entry, i) => ({
          Id: String(i),
          MessageBody: encodeWebhookMessage(entry),
          DelaySeconds: delaySeconds(entry),
          // SQS hands out the messages of accounts with few under way first ("fair queues").
          MessageGroupId: entry.account,
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
