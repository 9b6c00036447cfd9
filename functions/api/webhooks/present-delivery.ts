import type { z } from '@hono/zod-openapi';
import { isoOrNull, toIso } from '#shared/core/clock.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';
import type { EndpointHealth } from '#shared/service/ports/outbox.ts';
import type { DeliveryLogSchema, DeliverySchema, EndpointSchema } from './webhook-schema.ts';

/** A webhook as its account sees it. */
export function presentDelivery(entry: OutboxEntry): z.input<typeof DeliverySchema> {
  return {
    id: entry.id,
    prediction: entry.job ?? null,
    event: entry.event,
    url: entry.url,
    status: statusOf(entry),
    attempts: entry.attempts,
    created_at: toIso(entry.createdAt),
    next_attempt_at: isoOrNull(entry.nextAttemptAt),
    delivered_at: isoOrNull(entry.deliveredAt),
    abandoned_at: isoOrNull(entry.abandonedAt),
  };
}

/** A webhook and every attempt to deliver it, oldest first. */
export function presentDeliveryLog(
  entry: OutboxEntry,
  attempts: readonly DeliveryAttempt[],
): z.input<typeof DeliveryLogSchema> {
  return {
    ...presentDelivery(entry),
    log: [...attempts]
      .sort((a, b) => a.number - b.number)
      .map((attempt) => ({
        number: attempt.number,
        at: toIso(attempt.at),
        duration_ms: attempt.durationMs,
        status: attempt.status ?? null,
        failure: attempt.failure ?? null,
      })),
  };
}

export function presentEndpoint(health: EndpointHealth): z.input<typeof EndpointSchema> {
  return {
    url: health.url,
    failing_since: isoOrNull(health.failingSince),
    disabled_at: isoOrNull(health.disabledAt),
    disabled_reason: health.disabledReason ?? null,
  };
}

function statusOf(entry: OutboxEntry): 'pending' | 'delivered' | 'abandoned' {
  if (entry.nextAttemptAt !== undefined) return 'pending';
  return entry.deliveredAt === undefined ? 'abandoned' : 'delivered';
}
