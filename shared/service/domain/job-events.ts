import type { JobId } from '#shared/core/ids.ts';
import type { Job, WebhookEvent } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';

/**
 * The outbox entries of one event of a job: one when the job has a webhook that wants the event. Its
 * id follows from job and event, so that a repeated transaction adds nothing.
 */
export function eventEntries(job: Job, event: WebhookEvent, now: number): readonly OutboxEntry[] {
  if (job.webhook === undefined || !job.webhook.events.includes(event)) return [];
  return [
    {
      id: entryId(job.id, event),
      account: job.account,
      job: job.id,
      event,
      url: job.webhook.url,
      createdAt: now,
      nextAttemptAt: now,
      attempts: 0,
    },
  ];
}

/** The id of the entry that tells of an event; those of `logs` add when they are due. */
export function entryId(job: JobId, event: WebhookEvent): string {
  return `msg_${job}_${event}`;
}
