import { parseWebhookMessage } from '#shared/adapters/aws/webhook-message.ts';
import { type DeliveryDeps, deliverEntry } from '#shared/domain/webhooks/deliver.ts';

/** The part of an SQS event that matters here. */
export interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/** Messages that the queue must show again. */
export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface WebhookHandlerDeps {
  readonly delivery: DeliveryDeps;
  readonly onError: (error: unknown, messageId: string) => void;
}

/**
 * Makes one attempt for each queued outbox entry. A receiver's failure is an outcome that the entry
 * records, with its next time; only our own failures give a message back to the queue.
 */
export function createWebhookHandler(deps: WebhookHandlerDeps) {
  const handle = async (body: string): Promise<void> => {
    const message = parseWebhookMessage(body);
    const entry = await deps.delivery.outbox.get(message.delivery);
    const isCurrent = entry?.nextAttemptAt !== undefined && entry.attempts === message.attempts;
    if (entry !== undefined && isCurrent) await deliverEntry(deps.delivery, entry);
  };

  return async (event: QueueEvent): Promise<QueueAnswer> => {
    const results = await Promise.all(
      event.Records.map(async ({ messageId, body }) => {
        try {
          await handle(body);
          return [];
        } catch (error) {
          deps.onError(error, messageId);
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: results.flat() };
  };
}
