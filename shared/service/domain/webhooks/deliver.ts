import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { type Job, WEBHOOK_EVENTS } from '#shared/core/job.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { AttemptResult, Outbox } from '#shared/service/ports/outbox.ts';
import { isOvertaken, isRetried, jobAtEvent } from './events.ts';
import { observeEndpoint } from './health.ts';
import { nextAttemptAt } from './schedule.ts';
import { webhookSecrets } from './secrets.ts';
import { type SignWebhook, signedHeaders } from './sign.ts';

/** How a receiver took a request. */
export type SendOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'failed'; readonly failure: string };

export interface DeliveryDeps {
  readonly outbox: Outbox;
  readonly jobs: Pick<JobStore, 'get'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly sign: SignWebhook;
  /** The prediction as the API serves it; it becomes the body. */
  readonly render: (job: Job) => Promise<unknown>;
  /** Posts the body; never throws for what a receiver does. */
  readonly send: (
    url: string,
    request: { method: 'POST'; headers: Readonly<Record<string, string>>; body: string },
  ) => Promise<SendOutcome>;
  /** The trace that a job's webhooks are a part of, where it is not the client's own. */
  readonly traceparentOf?: (job: Job) => string | undefined;
  /** Called with each attempt once it is recorded. */
  readonly onAttempt?: (
    attempt: DeliveryAttempt,
    result: AttemptResult,
    entry: OutboxEntry,
  ) => void;
}

/** Why an entry was not even tried. */
type Skipped = 'endpoint-disabled' | 'job-not-found' | 'overtaken';

/** A claimed entry is hidden from other workers for this long: longer than the longest attempt. */
export const HIDE_MS = 60_000;
const BAD_STATUS_FAILURE = 'http-error';

/** Entries of each job, those of one in the order in which they became true; an account's each alone. */
export function inOrderByJob<Entry extends OutboxEntry>(
  entries: readonly Entry[],
): readonly (readonly Entry[])[] {
  const byJob = new Map<string, Entry[]>();
  for (const entry of [...entries].sort(byTime)) {
    const group = entry.job ?? entry.id;
    byJob.set(group, [...(byJob.get(group) ?? []), entry]);
  }
  return [...byJob.values()];
}

/** In the order of events where two became true in one moment. */
function byTime(a: OutboxEntry, b: OutboxEntry): number {
  const order: readonly string[] = WEBHOOK_EVENTS;
  const ranks = [a, b].map(({ event }) => order.indexOf(event));
  return a.createdAt - b.createdAt || (ranks[0] ?? 0) - (ranks[1] ?? 0);
}

/** Makes one attempt for an entry that the caller has claimed, and records it. */
export async function deliverEntry(deps: DeliveryDeps, entry: OutboxEntry): Promise<AttemptResult> {
  const at = deps.clock.now();
  const health = await deps.outbox.getHealth(entry.account, entry.url);
  const job = entry.job === undefined ? undefined : await deps.jobs.get(entry.job);
  const body =
    health?.disabledAt === undefined
      ? await bodyOf(deps, entry, job)
      : { skip: 'endpoint-disabled' as const };
  const outcome: SendOutcome | { kind: 'skipped'; failure: Skipped } =
    typeof body === 'string'
      ? await attempt(deps, entry, { body, job }, at)
      : { kind: 'skipped', failure: body.skip };
  const record: DeliveryAttempt = {
    entry: entry.id,
    number: entry.attempts + 1,
    at,
    durationMs: deps.clock.now() - at,
    ...(outcome.kind === 'answered' && { status: outcome.status }),
    ...failureOf(outcome),
  };
  const result: AttemptResult =
    outcome.kind === 'skipped' ? { next: 'abandoned' } : await judge(deps, entry, outcome);
  await deps.outbox.recordAttempt(record, result);
  deps.onAttempt?.(record, result, entry);
  return result;
}

/** What is sent; or why nothing is. */
async function bodyOf(
  deps: DeliveryDeps,
  entry: OutboxEntry,
  job: Job | undefined,
): Promise<string | { readonly skip: Skipped }> {
  if (entry.body !== undefined) return entry.body;
  if (job === undefined) return { skip: 'job-not-found' };
  if (isOvertaken(job, entry)) return { skip: 'overtaken' };
  return JSON.stringify(await deps.render(jobAtEvent(job, entry.event)));
}

async function attempt(
  deps: DeliveryDeps,
  entry: OutboxEntry,
  { body, job }: { readonly body: string; readonly job: Job | undefined },
  atMs: number,
): Promise<SendOutcome> {
  const secrets = await webhookSecrets(deps, entry.account, atMs);
  return deps.send(entry.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'onestep-webhooks/1',
      'webhook-event': entry.event,
      ...defined({ traceparent: job && (deps.traceparentOf?.(job) ?? job.traceparent) }),
      ...signedHeaders(deps.sign, secrets, { id: entry.id, atMs, body }),
    },
    body,
  });
}

/** Updates the receiver's health and decides what comes after this attempt. */
async function judge(
  deps: DeliveryDeps,
  entry: OutboxEntry,
  outcome: SendOutcome,
): Promise<AttemptResult> {
  const now = deps.clock.now();
  const status = outcome.kind === 'answered' ? outcome.status : undefined;
  const isDelivered = status !== undefined && status >= 200 && status < 300;
  // Tests are free: they leave nothing behind at any number of addresses, and switch no receiver off.
  if (entry.event === 'test') return { next: isDelivered ? 'delivered' : 'abandoned' };
  const observation = isDelivered ? 'delivered' : status === 410 ? 'gone' : 'failed';
  const health = await observeEndpoint(deps, entry, observation, now);
  if (isDelivered) return { next: 'delivered' };
  if (health.disabledAt !== undefined || !isRetried(entry.event)) return { next: 'abandoned' };
  const retryAfter = outcome.kind === 'answered' ? outcome.headers['retry-after'] : undefined;
  const next = nextAttemptAt({
    attempts: entry.attempts + 1,
    now,
    random: (deps.randomBytes(1)[0] ?? 0) / 256,
    ...defined({ status, retryAfter }),
  });
  return next === undefined ? { next: 'abandoned' } : { next: 'retry', nextAttemptAt: next };
}

function failureOf(
  outcome: { readonly kind: string } & Partial<{ status: number; failure: string }>,
): {
  readonly failure?: string;
} {
  if (outcome.failure !== undefined) return { failure: outcome.failure };
  const status = outcome.status ?? 0;
  if (status >= 200 && status < 300) return {};
  return { failure: status >= 300 && status < 400 ? 'redirect' : BAD_STATUS_FAILURE };
}
