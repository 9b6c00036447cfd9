import { z } from 'zod';
import type { OutboxEntry } from '#shared/core/outbox.ts';

const WebhookMessageSchema = z.strictObject({
  /** The outbox entry's id. */
  delivery: z.string().min(1),
  /** How often it had been tried when it was queued; a message that says less is a duplicate. */
  attempts: z.number().int().min(0),
});
export type WebhookMessage = z.infer<typeof WebhookMessageSchema>;

/** The body of the queue's message for an entry: the queue only carries, the entry stays the truth. */
export function encodeWebhookMessage(entry: Pick<OutboxEntry, 'id' | 'attempts'>): string {
  return JSON.stringify({ delivery: entry.id, attempts: entry.attempts } satisfies WebhookMessage);
}

/** @throws a ZodError or SyntaxError for a body that this deployment did not write */
export function parseWebhookMessage(body: string): WebhookMessage {
  return WebhookMessageSchema.parse(JSON.parse(body));
}
