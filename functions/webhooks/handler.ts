import type { QueueAnswer, QueueEvent } from '#shared/adapters/aws/queue-event.ts';
import { parseWebhookMessage } from '#shared/adapters/aws/webhook-message.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import {
  type DeliveryDeps,
  deliverEntry,
  inOrderByJob,
} from '#shared/service/domain/webhooks/deliver.ts';

/** An outbox entry with the message that asked for it. */
interface QueuedEntry extends OutboxEntry {
  readonly messageId: string;
}

export interface WebhookHandlerDeps {
  readonly delivery: DeliveryDeps;
  readonly onError: (error: unknown, messageId: string) => void;
}

/**
 * Makes one attempt for each queued outbox entry: those of one job in the order in which they became
 * true, as far as the queue brings them together. A receiver's failure is an outcome that the entry
 * records, with its next time; only our own failures give a message back to the queue.
 */
export function createWebhookHandler(deps: WebhookHandlerDeps) {
  const { outbox } = deps.delivery;

  return async (event: QueueEvent): Promise<QueueAnswer> => {
    const failed: string[] = [];
    const guard = async <T>(messageId: string, act: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await act();
      } catch (error) {
        deps.onError(error, messageId);
        failed.push(messageId);
        return undefined;
      }
    };
    /** The entry that a message is about, unless it was tried since the message was written. */
    const read = async ({ messageId, body }: QueueEvent['Records'][number]) => {
      const message = parseWebhookMessage(body);
      const entry = await outbox.get(message.delivery);
      const isCurrent = entry?.nextAttemptAt !== undefined && entry.attempts === message.attempts;
      return isCurrent ? { ...entry, messageId } : undefined;
    };
    const found = await Promise.all(
      event.Records.map((record) => guard(record.messageId, () => read(record))),
    );
    // The queue may hand out one message twice at a time.
    const entries = new Map(found.flatMap((entry) => (entry ? [[entry.id, entry]] : [])));
    const deliverAll = async (ofJob: readonly QueuedEntry[]): Promise<void> => {
      for (const entry of ofJob) {
        await guard(entry.messageId, () => deliverEntry(deps.delivery, entry));
      }
    };
    await Promise.all(inOrderByJob([...entries.values()]).map(deliverAll));
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}
