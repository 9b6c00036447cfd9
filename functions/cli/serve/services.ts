import { createTokenBucketRateLimiter } from '#shared/adapters/local/token-bucket-rate-limiter.ts';
import type { Clock } from '#shared/core/clock.ts';
import type { JobId, RandomBytes } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';
import { createAdmission } from '#shared/domain/admission.ts';
import type { PromptCheck } from '#shared/domain/block-list.ts';
import { type CatalogModel, createCatalog } from '#shared/domain/catalog.ts';
import { createDispatcher } from '#shared/domain/dispatcher.ts';
import { createEstimator } from '#shared/domain/estimator.ts';
import type { Hmac } from '#shared/domain/key-format.ts';
import { createKeyService } from '#shared/domain/keys.ts';
import { createPricing, type PriceBook } from '#shared/domain/pricing.ts';
import { createSettlement } from '#shared/domain/settlement.ts';
import { createSweep } from '#shared/domain/sweep.ts';
import type { BlobStore } from '#shared/ports/blob-store.ts';
import type { InferenceQueue } from '#shared/ports/inference-queue.ts';
import type { JobStore } from '#shared/ports/job-store.ts';
import type { KeyStore } from '#shared/ports/key-store.ts';
import type { Ledger } from '#shared/ports/ledger.ts';
import { createCachedJobStore } from './cached-job-store.ts';
import { sha256Hex } from './crypto.ts';
import { createJobHub } from './job-hub.ts';
import type { Secrets } from './secrets-file.ts';
import type { ServeConfig } from './serve-config.ts';

/** A claim's length; the process that holds it is the only one, so it matters after a crash alone. */
const LEASE_MS = 60_000;
/** How long after its deadline a running job's own end is waited for. */
const SWEEP_GRACE_MS = 10_000;
const SWEEP_LIMIT = 200;
/** What an image takes on a laptop, until one has shown it. */
const EXPECTED_IMAGE_MS = 2000;

export interface ServiceDeps {
  readonly config: Pick<ServeConfig, 'queueLimit' | 'jobDeadlineSeconds' | 'retentionHours'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly secrets: Secrets;
  readonly hmac: Hmac;
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
    hmac: deps.hmac,
    macKeys: secrets.macKeys,
    sha256Hex,
  });
  const rateLimiter = createTokenBucketRateLimiter(clock);
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
    rateLimiter,
  };
}

export type Services = ReturnType<typeof createServices>;
