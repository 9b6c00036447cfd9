import { createLaneFilter } from '#shared/core/delivery-lanes.ts';
import type { DeliveryAttempt, OutboxEntry } from '#shared/core/outbox.ts';
import type { EndpointHealth, Outbox, WebhookSettings } from '#shared/service/ports/outbox.ts';

/** An outbox in memory, for tests of the rules over it. */
export function createMemoryOutbox(): Outbox & { add(entry: OutboxEntry): Promise<void> } {
  const entries = new Map<string, OutboxEntry>();
  const attempts: DeliveryAttempt[] = [];
  const settings = new Map<string, WebhookSettings>();
  const health = new Map<string, EndpointHealth>();
  const newestFirst = () => [...entries.values()].sort((a, b) => b.createdAt - a.createdAt);
  return {
    async add(entry) {
      if (!entries.has(entry.id)) entries.set(entry.id, entry);
    },
    async get(id) {
      return entries.get(id);
    },
    async claimDue(now, hideUntil, limit, room) {
      const due = [...entries.values()]
        .filter(({ nextAttemptAt }) => nextAttemptAt !== undefined && nextAttemptAt <= now)
        .filter(room === undefined ? () => true : createLaneFilter(room))
        .slice(0, limit);
      for (const entry of due) entries.set(entry.id, { ...entry, nextAttemptAt: hideUntil });
      return due;
    },
    async recordAttempt(attempt, result) {
      attempts.push(attempt);
      const entry = entries.get(attempt.entry);
      if (entry === undefined) return;
      const { nextAttemptAt: _next, ...rest } = entry;
      entries.set(entry.id, {
        ...rest,
        attempts: attempt.number,
        ...(result.next === 'retry' ? { nextAttemptAt: result.nextAttemptAt } : {}),
        ...(result.next === 'delivered' ? { deliveredAt: attempt.at } : {}),
        ...(result.next === 'abandoned' ? { abandonedAt: attempt.at } : {}),
      });
    },
    async requeue(id, nextAttemptAt) {
      const entry = entries.get(id);
      if (entry === undefined || entry.nextAttemptAt !== undefined) return undefined;
      const { deliveredAt: _delivered, abandonedAt: _abandoned, ...rest } = entry;
      const requeued = { ...rest, nextAttemptAt };
      entries.set(id, requeued);
      return requeued;
    },
    async listByJob(job) {
      return newestFirst().filter((entry) => entry.job === job);
    },
    async listByAccount(account, limit) {
      return newestFirst()
        .filter((entry) => entry.account === account)
        .slice(0, limit);
    },
    async attempts(id) {
      return attempts.filter(({ entry }) => entry === id);
    },
    async getSettings(account) {
      return settings.get(account);
    },
    async putSettings(next, expected) {
      if (JSON.stringify(settings.get(next.account)) !== JSON.stringify(expected)) return false;
      settings.set(next.account, next);
      return true;
    },
    async getHealth(account, url) {
      return health.get(`${account} ${url}`);
    },
    async putHealth(account, next) {
      health.set(`${account} ${next.url}`, next);
    },
    async listHealth(account) {
      return [...health].filter(([id]) => id.startsWith(`${account} `)).map(([, value]) => value);
    },
  };
}
