import { randomBytes } from 'node:crypto';
import { type AccountId, createUlid, type JobId, type KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import type { Admission, Settlement } from '#shared/service/ports/job-store.ts';
import type { Grant } from '#shared/service/ports/ledger.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
/** A fresh id as the system makes them. */
export const newId = () => createUlid({ now: () => Date.now() }, random);

export function sampleAdmission(
  account: string,
  change: {
    readonly hold?: number;
    readonly body?: string;
    readonly scope?: string;
    readonly queueLimit?: number;
    readonly accountQueueLimit?: number;
  } = {},
): Admission {
  const now = Date.now();
  return {
    job: {
      id: newId() as JobId,
      account: account as AccountId,
      key: `key-${account}` as KeyId,
      dialect: 'replicate',
      model: { name: 'onestep/demo', digest: 'd'.repeat(64) },
      input: {
        prompt: 'a dog',
        seed: 1,
        width: 256,
        height: 256,
        num_outputs: 1,
        output_format: 'png',
        output_quality: 90,
      },
      requestInput: { prompt: 'a dog' },
      bodyHash: change.body ?? 'b'.repeat(64),
      status: 'starting',
      createdAt: now,
      deadline: now + 600_000,
      price: { perImage: microUsd(change.hold ?? 4_000), version: 'v1' },
      hold: microUsd(change.hold ?? 4_000),
      budgetDay: new Date(now).toISOString().slice(0, 10),
      budgetMonth: new Date(now).toISOString().slice(0, 7),
      attempts: 0,
      images: [],
      warnings: [],
      tags: {},
    },
    ...(change.scope === undefined
      ? {}
      : { idempotency: { scope: change.scope, expiresAt: now + 86_400_000 } }),
    queueLimit: change.queueLimit ?? 20_000,
    accountQueueLimit: change.accountQueueLimit ?? 20_000,
    ledgerEntryId: newId(),
    outbox: [],
  };
}

export function sampleGrant(account: string, amount: number, reference = newId()): Grant {
  const at = Date.now();
  const id = account as AccountId;
  return {
    entryId: newId(),
    account: id,
    amount: microUsd(amount),
    reference,
    at,
    audit: sampleAudit(account),
  };
}

export function sampleAudit(account: string) {
  return {
    id: newId(),
    at: Date.now(),
    account: account as AccountId,
    actor: 'cli' as const,
    action: 'sampled',
    subject: account,
    details: {},
  };
}

export function sampleSettlement(
  job: JobId,
  capture: number,
  change: Partial<Settlement> = {},
): Settlement {
  return {
    job,
    from: { state: 'open' },
    status: capture > 0 ? 'succeeded' : 'failed',
    capture: microUsd(capture),
    completedAt: Date.now(),
    images: [],
    warnings: [],
    ledgerEntryId: newId(),
    outbox: [],
    ...change,
  };
}
