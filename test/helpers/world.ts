import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openSqliteStores, type SqliteStores } from '#shared/adapters/sqlite/sqlite-stores.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import { createAdmission, type Order } from '#shared/service/domain/admission.ts';
import { createDispatcher } from '#shared/service/domain/dispatcher.ts';
import { createCollector } from '#shared/service/domain/payments/collect.ts';
import { createPricing, type PriceBook } from '#shared/service/domain/pricing.ts';
import { createSettlement } from '#shared/service/domain/settlement.ts';
import { createSweep } from '#shared/service/domain/sweep.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { PaymentGateway } from '#shared/service/ports/payment-gateway.ts';
import type { InferenceQueue } from '#shared/service/ports/inference-queue.ts';
import { createCountedBytes } from './counted-bytes.ts';
import { createGpuStandIn, type GpuStandIn } from './gpu-stand-in.ts';
import { allEntries, expectInvariant } from './invariant.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { createMemoryBlobs } from './memory-blobs.ts';
import { ACCOUNT, HOUR, MINUTE, MODEL, PRICE, sampleKey } from './samples.ts';

/** A book with one price for images up to 64×64. */
export function bookAt(perImage: number, version: string): PriceBook {
  return { version, models: { [MODEL.name]: [{ name: 'small', maxPixels: 4096, perImage }] } };
}

export const DEADLINE_MS = 10 * MINUTE;
export const GRACE_MS = 30_000;
export const RETENTION_MS = HOUR;

/** Puts itself between the services and what they store in; the identity when nothing shall fail. */
export type Wrap = <T extends object>(name: string, port: T) => T;

/** The service without its doors: real stores and rules, a stand-in for the GPU, a clock to turn. */
export interface World {
  readonly clock: ManualClock;
  readonly blobs: BlobStore;
  readonly gpu: GpuStandIn;
  /** The stores themselves, unwrapped. */
  readonly stores: SqliteStores;
  readonly services: Services;
  readonly errors: unknown[];
  /** Drops everything that is not on disk, as the death of the process would, and starts again. */
  restart(options?: StartOptions): Promise<void>;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly wrap?: Wrap;
  readonly book?: PriceBook;
  /** Names of the models that are dispatched. */
  readonly models?: readonly string[];
  /** Most open jobs of an account. */
  readonly accountQueueLimit?: number;
  /** Running jobs of an account that are stopped in an hour by their `Cancel-After`. */
  readonly runningCancelsPerHour?: number;
  /** Moves what payers without an account have signed. */
  readonly gateway?: PaymentGateway;
}

export type Services = ReturnType<typeof createServices>;

export interface Parts {
  readonly stores: Pick<SqliteStores, 'jobs' | 'ledger' | 'outbox'>;
  readonly blobs: BlobStore;
  readonly queue: InferenceQueue;
  readonly clock: ManualClock;
  readonly randomBytes: ReturnType<typeof createCountedBytes>;
  readonly errors: unknown[];
}

/** The rules of the service over stores, as one process has them. */
export function createServices(parts: Parts, options: StartOptions) {
  const { wrap = unwrapped, book = bookAt(PRICE, 'v1') } = options;
  const { clock, randomBytes } = parts;
  const jobs = wrap('jobs', parts.stores.jobs);
  const ledger = wrap('ledger', parts.stores.ledger);
  const blobs = wrap('blobs', parts.blobs);
  const queue = wrap('queue', parts.queue);
  const onError = (error: unknown) => parts.errors.push(error);
  const pricing = createPricing(book);
  const changes: Job[] = [];
  const told: (readonly OutboxEntry[])[] = [];
  const collector =
    options.gateway &&
    createCollector({
      ...{ jobs, blobs, clock, randomBytes, onError },
      gateway: wrap('gateway', options.gateway),
      onChange: (job) => dispatcher.onChange(job),
    });
  const settlement = createSettlement({
    jobs,
    blobs,
    queue,
    clock,
    randomBytes,
    collect: collector?.collect,
    onChange: (job, outbox) => {
      changes.push(job);
      told.push(outbox);
      dispatcher.onChange(job);
    },
  });
  const dispatcher = createDispatcher({
    jobs,
    queue,
    settlement,
    models: () => options.models ?? [MODEL.name],
    clock,
    outputStore: (job) => ({ kind: 'file', prefix: outputPrefix(job) }),
    settings: { leaseMs: 30_000 },
    onError,
  });
  const admission = createAdmission({
    jobs,
    pricing,
    clock,
    randomBytes,
    settings: {
      queueLimit: 1000,
      accountQueueLimit: options.accountQueueLimit ?? 1000,
      deadlineMs: DEADLINE_MS,
      retentionMs: RETENTION_MS,
    },
  });
  const sweep = createSweep({
    jobs,
    ledger,
    queue,
    settlement,
    settings: {
      graceMs: GRACE_MS,
      runningCancelsPerHour: options.runningCancelsPerHour ?? 20,
      retentionMs: RETENTION_MS,
      limit: 10,
    },
    onError,
  });
  const outbox = wrap('outbox', parts.stores.outbox);
  return {
    admission,
    settlement,
    dispatcher,
    sweep,
    changes,
    told,
    ports: { jobs, ledger, outbox },
  };
}

const unwrapped: Wrap = (_name, port) => port;

export async function createWorld(
  options: StartOptions & { readonly lanes?: number } = {},
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'onestep-world-'));
  const clock = createManualClock();
  const randomBytes = createCountedBytes();
  const blobs = createMemoryBlobs();
  const errors: unknown[] = [];
  const open = () => openSqliteStores({ folder, synchronous: 'normal', clock, randomBytes });
  const start = (chosen: StartOptions) => {
    const stores = open();
    const gpu = createGpuStandIn(blobs, { lanes: options.lanes ?? 4 });
    const parts = { stores, blobs, queue: gpu.queue, clock, randomBytes, errors };
    return { stores, gpu, services: createServices(parts, chosen) };
  };
  let process = start(options);
  return {
    clock,
    blobs,
    errors,
    get stores() {
      return process.stores;
    },
    get gpu() {
      return process.gpu;
    },
    get services() {
      return process.services;
    },
    async restart(chosen = {}) {
      process.stores.close();
      process = start(chosen);
      await process.services.dispatcher.recover();
    },
    async close() {
      process.stores.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** An order of images as a door would hand it in. */
export function sampleOrder(change: Partial<Order> & { readonly images?: number } = {}): Order {
  const { images = 1, ...rest } = change;
  return {
    key: sampleKey({ account: (change.key?.account ?? ACCOUNT) as AccountId }),
    dialect: 'replicate',
    model: MODEL,
    input: {
      prompt: 'a red circle',
      seed: 7,
      width: 64,
      height: 64,
      num_outputs: images,
      output_format: 'png',
      output_quality: 90,
    },
    requestInput: { prompt: 'a red circle', num_outputs: images },
    bodyHash: String(images).padStart(64, 'b'),
    ...rest,
  };
}

/** Orders and returns the job; fails the test when it is refused. */
export async function order(
  world: World,
  change: Parameters<typeof sampleOrder>[0] = {},
): Promise<Job> {
  const result = await world.services.admission.submit(sampleOrder(change));
  if (result.outcome !== 'admitted') throw new Error(`not admitted: ${result.outcome}`);
  return result.job;
}

export async function read(world: World, id: JobId): Promise<Job> {
  const job = await world.stores.jobs.get(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

/**
 * After everything: each job has ended, nothing is held, the sums agree, and each job cost exactly
 * its delivered images, which are there.
 */
export async function expectAllSettled(world: World): Promise<void> {
  const { ledger, jobs } = world.stores;
  await expectInvariant(ledger);
  expect((await ledger.totals()).held).toBe(0);
  for (const { id: account } of await ledger.listAccounts()) {
    const entries = await allEntries(ledger, account);
    for (const job of await jobs.list({ account, limit: 1000 })) {
      expect(isTerminal(job.status), `job ${job.id} is ${job.status}`).toBe(true);
      const ends = entries.filter(
        (entry) => entry.job === job.id && (entry.kind === 'capture' || entry.kind === 'release'),
      );
      expect(ends).toHaveLength(1);
      const captured = ends[0]?.kind === 'capture' ? ends[0].amount : 0;
      expect(job.cost).toBe(captured);
      if (job.dataRemovedAt !== undefined) continue;
      expect(captured).toBe(job.price.perImage * job.images.length);
      if (job.status === 'succeeded') expect(job.images.length).toBeGreaterThan(0);
      if (job.status === 'failed') expect(job.images).toEqual([]);
      for (const { key, bytes } of job.images) {
        expect((await world.blobs.head(key))?.sizeBytes).toBe(bytes);
      }
    }
  }
}
