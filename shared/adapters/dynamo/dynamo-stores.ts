import type { Clock } from '#shared/core/clock.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { Erasure } from '#shared/service/ports/erasure.ts';
import type { Invitations } from '#shared/service/ports/invitations.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import { createDynamoAutoTopups } from './dynamo-auto-topups.ts';
import { createDynamoAccountHooks } from './dynamo-account-hooks.ts';
import { createDynamoErasure } from './dynamo-erasure.ts';
import { createDynamoInvitations } from './dynamo-invitations.ts';
import { createDynamoJobStore } from './dynamo-jobs.ts';
import { createDynamoKeyStore } from './dynamo-keys.ts';
import { createDynamoLedger } from './dynamo-ledger.ts';
import { createDynamoOutbox } from './dynamo-outbox.ts';
import type { DynamoTable } from './dynamo-table.ts';

/** Every store in the table. */
export interface DynamoStores {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly outbox: Outbox;
  readonly hooks: AccountHooks;
  readonly autoTopups: AutoTopups;
  readonly invitations: Invitations;
  readonly erasure: Erasure;
}

export interface DynamoStoresDeps {
  readonly table: DynamoTable;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** How old depth and positions may be, in milliseconds. Default 1 s. */
  readonly waitingLineMs?: number;
  /** How long records of ended jobs and of webhooks are kept. Default 90 days. */
  readonly recordDays?: number;
  /** Most grants that an account's own item lists; for tests. */
  readonly grantsInAccount?: number;
}

const WAITING_LINE_MS = 1_000;
const RECORD_DAYS = 90;
const DAY_MS = 24 * 3_600_000;

export function createDynamoStores(deps: DynamoStoresDeps): DynamoStores {
  const { table, clock, randomBytes, waitingLineMs = WAITING_LINE_MS, grantsInAccount } = deps;
  const money = { table, now: clock.now, randomBytes, grantsInAccount };
  const records = { now: clock.now, recordMs: (deps.recordDays ?? RECORD_DAYS) * DAY_MS };
  return {
    jobs: createDynamoJobStore({ ...money, waitingLineMs, recordMs: records.recordMs }),
    ledger: createDynamoLedger(money),
    keys: createDynamoKeyStore(table),
    outbox: createDynamoOutbox(table, records),
    hooks: createDynamoAccountHooks(table),
    autoTopups: createDynamoAutoTopups(table),
    invitations: createDynamoInvitations(table),
    erasure: createDynamoErasure(table),
  };
}
