import type { Account, ApiKey, AuditEntry } from '#shared/core/account.ts';
import { type AccountId, createUlid, type JobId, type KeyId } from '#shared/core/ids.ts';
import type { ImageRecord, Receipt } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { type MicroUsd, microUsd, ZERO_USD } from '#shared/core/money.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import type { Admission, Settlement } from '#shared/service/ports/job-store.ts';
import type { Grant, Ledger, Reversal } from '#shared/service/ports/ledger.ts';
import { createCountedBytes } from './counted-bytes.ts';

let randomBytes = createCountedBytes('samples');

/** Makes the same ids again: files that share a worker are not to see each other's. */
export function restartSampleIds(): void {
  randomBytes = createCountedBytes('samples');
}

export function sampleId(now: number): string {
  return createUlid({ now: () => now }, randomBytes);
}

export const ACCOUNT = 'acc_one' as AccountId;
export const OTHER_ACCOUNT = 'acc_two' as AccountId;
export const KEY = 'key0000000000001' as KeyId;
export const MODEL = { name: 'onestep/demo', digest: 'd'.repeat(64) };
export const PRICE = microUsd(4000);
export const NOW = Date.UTC(2026, 10, 23, 12);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export function sampleAudit(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: sampleId(NOW),
    at: NOW,
    account: ACCOUNT,
    actor: 'cli',
    action: 'account-created',
    subject: ACCOUNT,
    details: {},
    ...change,
  };
}

export function sampleAccount(id: AccountId = ACCOUNT): Account {
  return { id, name: `Account ${id}`, createdAt: NOW, balance: ZERO_USD, held: ZERO_USD };
}

export function sampleKey(change: Partial<ApiKey> = {}): ApiKey {
  return {
    id: KEY,
    account: ACCOUNT,
    label: 'default',
    secretHash: 'a'.repeat(64),
    scopes: ['predict', 'read'],
    createdAt: NOW,
    ratePerMinute: 3000,
    ...change,
  };
}

export function sampleGrant(amount: number, change: Partial<Grant> = {}): Grant {
  const account = change.account ?? ACCOUNT;
  return {
    entryId: sampleId(change.at ?? NOW),
    account,
    amount: microUsd(amount),
    reference: `payment-${sampleId(NOW)}`,
    at: NOW,
    audit: sampleAudit({ account, action: 'credit-granted' }),
    ...change,
  };
}

export function sampleReversal(amount: number, change: Partial<Reversal> = {}): Reversal {
  const account = change.account ?? ACCOUNT;
  const at = change.at ?? NOW;
  return {
    entryId: sampleId(at),
    owedEntryId: sampleId(at),
    account,
    amount: microUsd(amount),
    reference: `refund-${sampleId(NOW)}`,
    at,
    audit: sampleAudit({ account, action: 'credit-reversed' }),
    ...change,
  };
}

/** Creates an account with a balance. */
export async function fund(ledger: Ledger, amount: number, id: AccountId = ACCOUNT) {
  await ledger.createAccount(sampleAccount(id), sampleAudit({ account: id }));
  if (amount > 0) await ledger.grant(sampleGrant(amount, { account: id }));
}

export function sampleAdmission(
  job: Partial<Admission['job']> = {},
  change: Partial<Omit<Admission, 'job'>> = {},
): Admission {
  const createdAt = job.createdAt ?? NOW;
  return {
    job: {
      id: sampleId(createdAt) as JobId,
      account: ACCOUNT,
      key: KEY,
      dialect: 'replicate',
      model: MODEL,
      input: {
        prompt: 'a red circle',
        seed: 7,
        width: 64,
        height: 64,
        num_outputs: 1,
        output_format: 'png',
        output_quality: 90,
      },
      requestInput: { prompt: 'a red circle' },
      bodyHash: 'b'.repeat(64),
      status: 'starting',
      createdAt,
      deadline: createdAt + 10 * MINUTE,
      price: { perImage: PRICE, version: 'v1' },
      hold: PRICE,
      budgetDay: '2026-11-23',
      budgetMonth: '2026-11',
      attempts: 0,
      images: [],
      warnings: [],
      tags: {},
      ...job,
    },
    queueLimit: 1000,
    accountQueueLimit: 1000,
    ledgerEntryId: sampleId(createdAt),
    outbox: [],
    ...change,
  };
}

export function sampleImage(job: JobId, index = 0, change: Partial<ImageRecord> = {}): ImageRecord {
  return {
    index,
    key: `${outputPrefix(job)}${index}.png`,
    sha256: 'c'.repeat(64),
    pixels_sha256: 'e'.repeat(64),
    bytes: 10 + index,
    width: 64,
    height: 64,
    seed: 7 + index,
    format: 'png',
    ...change,
  };
}

export function sampleReceipt(job: JobId, images: readonly ImageRecord[]): Receipt {
  return {
    job,
    images: [...images],
    ms: { load: 0, text: 1, unet: 2, vae: 3, encode: 4, upload: 5 },
    model: MODEL,
    versions: { onestep: '0.1.0' },
    device: 'cpu',
    warnings: [],
  };
}

export function sampleSettlement(
  job: Pick<Job, 'id'>,
  change: Partial<Settlement> & { readonly captured?: MicroUsd } = {},
): Settlement {
  const { captured, ...rest } = change;
  const images = captured === undefined ? [] : [sampleImage(job.id)];
  return {
    job: job.id,
    from: { state: 'open' },
    status: captured === undefined ? 'failed' : 'succeeded',
    capture: captured ?? ZERO_USD,
    completedAt: NOW + MINUTE,
    images,
    ...(captured === undefined ? {} : { receipt: sampleReceipt(job.id, images) }),
    warnings: [],
    ledgerEntryId: sampleId(NOW + MINUTE),
    outbox: [],
    ...rest,
  };
}
