import type { Clock } from '#shared/core/clock.ts';
import type { JobId, RandomBytes } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { createCachedJobStore } from './cached-job-store.ts';
import { createAdmission } from './domain/admission.ts';
import type { PromptCheck } from './domain/block-list.ts';
import { type CatalogModel, createCatalog } from './domain/catalog.ts';
import { createDispatcher } from './domain/dispatcher.ts';
import { createEstimator } from './domain/estimator.ts';
import type { MacKeys } from './domain/key-format.ts';
import { createKeyService } from './domain/keys.ts';
import { createPricing, type PriceBook } from './domain/pricing.ts';
import { createSettlement } from './domain/settlement.ts';
import { createSweep } from './domain/sweep.ts';
import { createJobHub } from './job-hub.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { InferenceQueue } from './ports/inference-queue.ts';
import type { JobStore } from './ports/job-store.ts';
import type { KeyStore } from './ports/key-store.ts';
import type { Ledger } from './ports/ledger.ts';

/** A claim's length; the process that holds it is the only one, so it matters after a crash alone. */
const LEASE_MS = 60_000;
/** How long after its deadline a running job's own end is waited for. */
const SWEEP_GRACE_MS = 10_000;
const SWEEP_LIMIT = 200;
/** What an image takes on a laptop, until one has shown it. */
const EXPECTED_IMAGE_MS = 2000;

export interface ServiceDeps {
  readonly config: {
    /** Most jobs that wait at one time. */
    readonly queueLimit: number;
    /** From admission to the latest end of a job. */
    readonly jobDeadlineSeconds: number;
    /** How long outputs and inputs of ended jobs are kept. */
    readonly retentionHours: number;
  };
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly secrets: {
    readonly macKeys: MacKeys;
    /** Signs the receipts inside images. */
    readonly receiptKey: Uint8Array;
  };
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly blobs: BlobStore;
  readonly queue: InferenceQueue;
  readonly models: readonly CatalogModel[];
  readonly prices: PriceBook;
  readonly outputStore: (job: JobId) => InferenceRequest['store'];
  readonly checkPrompt?: PromptCheck | undefined;
  readonly onError: (error: unknown, what: string) => void;
  /** Told of every change of a job beside those who wait for it. */
  readonly onChange: (job: Job) => void;
}

/** The rules over the stores, as one process runs them. */
export function createServices(deps: ServiceDeps) {
  const { clock, randomBytes, ledger, keys, blobs, queue, config, secrets, onError } = deps;
  const retentionMs = config.retentionHours * 3_600_000;
  const jobs = createCachedJobStore(deps.jobs);
  const hub = createJobHub(jobs);
  const catalog = createCatalog(deps.models);
  const pricing = createPricing(deps.prices);
  const estimator = createEstimator({
    jobs,
    queue,
    clock,
    expectedImageMs: EXPECTED_IMAGE_MS,
    lanes: 1,
  });
  const settlement = createSettlement({
    jobs,
    blobs,
    queue,
    clock,
    randomBytes,
    onChange(job) {
      hub.publish(job);
      estimator.observe(job);
      dispatcher.onChange(job);
      deps.onChange(job);
    },
  });
  const dispatcher = createDispatcher({
    jobs,
    queue,
    settlement,
    models: () => catalog.models.map(({ name }) => name),
    clock,
    outputStore: deps.outputStore,
    signingKey: Buffer.from(secrets.receiptKey).toString('base64'),
    settings: { leaseMs: LEASE_MS },
    onError,
  });
  const admission = createAdmission({
    jobs,
    pricing,
    clock,
    randomBytes,
    settings: {
      queueLimit: config.queueLimit,
      deadlineMs: config.jobDeadlineSeconds * 1000,
      retentionMs,
    },
    checkPrompt: deps.checkPrompt,
    onAdmitted: () => dispatcher.wake(),
  });
  const sweep = createSweep({
    jobs,
    ledger,
    queue,
    settlement,
    settings: { graceMs: SWEEP_GRACE_MS, retentionMs, limit: SWEEP_LIMIT },
    onError,
  });
  const keyService = createKeyService({
    keys,
    ledger,
    clock,
    randomBytes,
    macKeys: secrets.macKeys,
  });
  return {
    jobs,
    hub,
    catalog,
    pricing,
    estimator,
    settlement,
    dispatcher,
    admission,
    sweep,
    keyService,
  };
}

export type Services = ReturnType<typeof createServices>;
