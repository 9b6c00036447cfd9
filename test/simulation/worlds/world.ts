import type { AccountId, KeyId, RandomBytes } from '#shared/core/ids.ts';
import type { Job } from '#shared/core/job.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { JobStore } from '#shared/service/ports/job-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { PaymentGateway } from '#shared/service/ports/payment-gateway.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import type { GpuStandIn } from '#test/helpers/gpu-stand-in.ts';
import type { ManualClock } from '#test/helpers/manual-clock.ts';
import type { Services, Wrap } from '#test/helpers/world.ts';
import type { Random } from '#test/simulation/random.ts';

export const STORES = ['sqlite', 'dynamo'] as const;
export type StoreName = (typeof STORES)[number];

/** What decides which calls fail, wait and get lost; nothing does while there is no `random`. */
export interface Weather {
  random: Random | undefined;
  /** How many calls of ports were failed. */
  failed: number;
}

export interface WorldOptions {
  readonly weather: Weather;
  /** Makes the calls of a port fail. */
  readonly wrap: Wrap;
  readonly accountQueueLimit: number;
  readonly runningCancelsPerHour: number;
  /** Jobs that the GPU function has at one time. */
  readonly lanes: number;
  readonly gateway: PaymentGateway;
}

/** The service without its doors: rules over a store, machines that are made up, and a clock that is turned. */
export interface SimulatedWorld {
  /** How many there are over the same store. */
  readonly processes: number;
  readonly clock: ManualClock;
  readonly randomBytes: RandomBytes;
  readonly blobs: BlobStore;
  readonly gpu: GpuStandIn;
  /** The stores themselves: no call of them fails. Indexes may lag. */
  readonly stores: { readonly jobs: JobStore; readonly ledger: Ledger; readonly outbox: Outbox };
  /** Of one of the processes: each asks in turn. */
  readonly services: Services;
  /** What services reported of themselves. */
  readonly errors: readonly unknown[];
  /** Every job that an account pays for, whatever an index has heard. */
  allJobs(): Promise<readonly Job[]>;
  /** Another text than before if the stores may answer otherwise: something was written, or the clock was turned. */
  state(): string;
  /** Which process has the first turn in a step. */
  beginTurns(random: Random): void;
  /** A process dies, with whatever it was about to do, and another begins: at once, or some time into the step. */
  restart(random?: Random): Promise<void>;
  /** From now on no index lags. */
  catchUp(): void;
  close(): Promise<void>;
}

export const ACCOUNTS = ['acc_one', 'acc_two', 'acc_three'] as AccountId[];
export const keyOf = (account: AccountId) => `key-of-${account}` as KeyId;
