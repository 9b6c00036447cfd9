import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
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

/** The stores over one database, as the contract suites want them. */
export interface StoreSet {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly outbox: Outbox;
  readonly hooks: AccountHooks;
  readonly autoTopups: AutoTopups;
  readonly invitations: Invitations;
  readonly erasure: Erasure;
  close(): void | Promise<void>;
}

/** Makes stores over an empty database. */
export type MakeStores = (deps: {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}) => Promise<StoreSet>;

/** SQLite stores in a temporary folder, which goes when they are closed. */
export const makeSqliteStores: MakeStores = async (deps) => {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-stores-'));
  const stores = openSqliteStores({ folder, synchronous: 'normal', ...deps });
  return {
    ...stores,
    async close() {
      stores.close();
      await rm(folder, { recursive: true });
    },
  };
};
