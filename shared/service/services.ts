import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { JobId, RandomBytes } from '#shared/core/ids.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { isMade, type Job } from '#shared/core/job.ts';
import { createCachedJobStore } from './cached-job-store.ts';
import { createAdmission } from './domain/admission.ts';
import type { PromptCheck } from './domain/block-list.ts';
import type { CatalogModel, ModelAliases } from './domain/catalog.ts';
import { createDispatcher } from './domain/dispatcher.ts';
import { createEstimator } from './domain/estimator.ts';
import { createInvitationService } from './domain/invitations.ts';
import type { MacKeys } from './domain/key-format.ts';
import { createKeyService } from './domain/keys.ts';
import { createCollector } from './domain/payments/collect.ts';
import { createBackgroundCollection } from './domain/payments/collect-in-background.ts';
import { createOffer, type Offered } from './domain/offer.ts';
import type { PriceBook } from './domain/pricing.ts';
import { createSettlement } from './domain/settlement.ts';
import { createSweep } from './domain/sweep.ts';
import { createJobHub } from './job-hub.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { InferenceQueue } from './ports/inference-queue.ts';
import type { Invitations } from './ports/invitations.ts';
import type { JobStore } from './ports/job-store.ts';
import type { KeyStore } from './ports/key-store.ts';
import type { Ledger } from './ports/ledger.ts';
import type { PaymentGateway } from './ports/payment-gateway.ts';
import type { Records } from './ports/records.ts';

const HOUR_MS = 3_600_000;
/** A claim's length; the process that holds it is the only one, so it matters after a crash alone. */
const LEASE_MS = 60_000;
/** How long after its deadline a running job's own end is waited for. */
const SWEEP_GRACE_MS = 10_000;
const SWEEP_LIMIT = 200;
/** What an image takes on a laptop, until one has shown it. */
const EXPECTED_IMAGE_MS = 2000;

/** What it takes to answer requests. */
export interface RequestServiceDeps {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly keys: KeyStore;
  readonly invitations: Invitations;
  readonly queue: Pick<InferenceQueue, 'progress'>;
  readonly macKeys: MacKeys;
  readonly models: readonly CatalogModel[];
  readonly aliases?: ModelAliases | undefined;
  readonly prices: PriceBook;
  readonly checkPrompt?: PromptCheck | undefined;
  readonly limits: {
    /** Most jobs that wait at one time. */
    readonly queueLimit: number;
    readonly accountQueueLimit: number;
    /** From admission to the latest end of a job. */
    readonly jobDeadlineSeconds: number;
    /** How long outputs and inputs of ended jobs are kept. */
    readonly retentionHours: number;
  };
  /** What an image takes until one has shown it, in milliseconds. */
  readonly expectedImageMs: number;
  /** Jobs that run at the same time. */
  readonly lanes: number;
  /** Called with each admitted job. */
  readonly onAdmitted: (job: Job) => void;
}

/** The rules that answer requests: keys, models and their prices, estimates, and the way in. */
export function createRequestServices(deps: RequestServiceDeps) {
  const { jobs, limits, macKeys } = deps;
  const { catalog, pricing, replace } = createOffer(deps, deps.aliases);
  return {
    catalog,
    pricing,
    /** Offers other models from now on, at these prices. */
    offer: (next: Offered) => replace(next),
    estimator: createEstimator(deps),
    admission: createAdmission({
      ...deps,
      jobs,
      pricing,
      settings: {
        queueLimit: limits.queueLimit,
        accountQueueLimit: limits.accountQueueLimit,
        deadlineMs: limits.jobDeadlineSeconds * 1000,
        retentionMs: limits.retentionHours * HOUR_MS,
      },
    }),
    keyService: createKeyService({ ...deps, macKeys }),
    invitationService: createInvitationService(deps),
  };
}

export interface ServiceDeps
  extends Omit<
    RequestServiceDeps,
    'limits' | 'macKeys' | 'expectedImageMs' | 'lanes' | 'onAdmitted' | 'queue'
  > {
  readonly config: RequestServiceDeps['limits'] & {
    readonly recordDays: number;
    readonly runningCancelsPerHour: number;
  };
  readonly secrets: {
    readonly macKeys: MacKeys;
    /** Signs the receipts inside images. */
    readonly receiptSigningKey: Uint8Array;
  };
  readonly blobs: BlobStore;
  readonly records?: Records;
  readonly queue: InferenceQueue;
  /** Settles the payments of orders without an account, where they are taken. */
  readonly gateway?: PaymentGateway | undefined;
  readonly outputStore: (job: JobId) => InferenceRequest['store'];
  readonly onError: (error: unknown, what: string) => void;
  /** Called with each change of a job, beside those who wait for it. */
  readonly onChange: (job: Job) => void;
}

/** The rules over the stores, as the one process that owns them runs them. */
export function createServices(deps: ServiceDeps) {
  const { clock, randomBytes, ledger, blobs, queue, config, secrets, onError } = deps;
  const jobs = createCachedJobStore(deps.jobs);
  const hub = createJobHub(jobs);
  const forRequests = createRequestServices({
    ...deps,
    jobs,
    limits: config,
    macKeys: secrets.macKeys,
    expectedImageMs: EXPECTED_IMAGE_MS,
    lanes: 1,
    onAdmitted: () => dispatcher.wake(),
  });
  const { gateway } = deps;
  const collector =
    gateway &&
    createCollector({ jobs, gateway, blobs, clock, randomBytes, onError, onChange: changed });
  const collection = collector && createBackgroundCollection(collector.collect, onError);
  const settlement = createSettlement({
    jobs,
    blobs,
    queue,
    clock,
    randomBytes,
    collect: collection?.collect,
    onChange(job) {
      changed(job);
      if (isMade(job)) void collection?.collect(job.id);
    },
  });

  function changed(job: Job): void {
    hub.publish(job);
    forRequests.estimator.observe(job);
    dispatcher.onChange(job);
    deps.onChange(job);
  }

  const dispatcher = createDispatcher({
    jobs,
    queue,
    settlement,
    models: () => forRequests.catalog.models.map(({ name }) => name),
    clock,
    outputStore: deps.outputStore,
    signingKey: Buffer.from(secrets.receiptSigningKey).toString('base64'),
    settings: { leaseMs: LEASE_MS },
    onError,
  });
  const sweep = createSweep({
    jobs,
    ledger,
    ...defined({ records: deps.records }),
    queue,
    settlement,
    settings: {
      graceMs: SWEEP_GRACE_MS,
      runningCancelsPerHour: config.runningCancelsPerHour,
      retentionMs: config.retentionHours * HOUR_MS,
      recordMs: recordMs(config),
      limit: SWEEP_LIMIT,
    },
    onError,
  });
  return { ...forRequests, jobs, hub, settlement, dispatcher, sweep, collection };
}

/** A record outlives its data, and the idempotency keys that lead to it, whatever the settings say. */
function recordMs(config: ServiceDeps['config']): number {
  const dataMs = (config.retentionHours + 2 * 24) * HOUR_MS + config.jobDeadlineSeconds * 1000;
  return Math.max(config.recordDays * 24 * HOUR_MS, dataMs);
}

export type Services = ReturnType<typeof createServices>;
