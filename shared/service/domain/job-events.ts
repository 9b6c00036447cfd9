import type { JobId } from '#shared/core/ids.ts';
import { type Job, runsOf, type WebhookEvent } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';

/**
 * The outbox entries of one event of a job: one when the job has a webhook that wants the event. Its
 * id follows from job and event, so that a repeated transaction adds nothing.
 */
export function eventEntries(
  job: Job,
  event: WebhookEvent,
  now: number,
  part?: LogsPart,
): readonly OutboxEntry[] {
  if (job.webhook === undefined || !job.webhook.events.includes(event)) return [];
  return [
    {
      id: entryId(job.id, event, part),
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

/** What a `logs` entry tells of: so many finished images in a run of the job, or its end. */
export type LogsPart = `${number}_${number}` | 'end';

/** The ids of all entries that a job can have had, without a look at an index that may be behind. */
export function entryIdsOf(job: Job): readonly string[] {
  const upTo = (last: number) => Array.from({ length: last + 1 }, (_, i) => i);
  const images = upTo(job.input?.num_outputs ?? 0);
  const parts = upTo(runsOf(job)).flatMap((run) => images.map((n) => `${run}_${n}` as const));
  return (job.webhook?.events ?? []).flatMap((event) => {
    if (event !== 'logs') return [entryId(job.id, event)];
    return [...parts, 'end' as const].map((part) => entryId(job.id, event, part));
  });
}

/** The id of the entry that tells of an event; that of a picture in `logs` differs by part. */
export function entryId(job: JobId, event: WebhookEvent, part?: LogsPart): string {
  return part === undefined ? `msg_${job}_${event}` : `msg_${job}_${event}_${part}`;
}
