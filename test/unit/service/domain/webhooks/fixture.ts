import type { AccountId, JobId, KeyId } from '#shared/core/ids.ts';
import type { Job, WebhookEvent } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';

export const URL_A = 'https://hooks.example.com/a';
export const START = Date.UTC(2026, 0, 5, 12, 0, 0);
export const ACCOUNT = 'acc_1' as AccountId;

/** An ended job with a webhook for the given events. */
export function webhookJob(events: readonly WebhookEvent[], change: Partial<Job> = {}): Job {
  return {
    id: '01jgvz0000000000000000000a' as JobId,
    account: ACCOUNT,
    key: 'keykeykeykeykey1' as KeyId,
    dialect: 'replicate',
    model: { name: 'onestep/demo', digest: 'd'.repeat(64) },
    input: null,
    requestInput: { prompt: 'a red circle' },
    bodyHash: 'b'.repeat(64),
    status: 'succeeded',
    rank: 1,
    createdAt: START,
    startedAt: START + 10,
    completedAt: START + 20,
    deadline: START + 60_000,
    price: { perImage: microUsd(2000), version: 'v1' },
    hold: microUsd(2000),
    budgetDay: '2026-01-05',
    budgetMonth: '2026-01',
    cost: microUsd(2000),
    attempts: 1,
    images: [],
    warnings: [],
    webhook: { url: URL_A, events },
    tags: {},
    ...change,
  };
}
