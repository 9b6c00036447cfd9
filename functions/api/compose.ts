import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import type { EndpointState } from '#shared/adapters/aws/endpoint-state.ts';
import { deployedPrices, readCatalogModels } from '#shared/adapters/aws/model-catalog.ts';
import { createPollingWatcher } from '#shared/adapters/aws/polling-watcher.ts';
import { createSageMakerProgress } from '#shared/adapters/aws/sagemaker-progress.ts';
import { parseMacKeys, receiptKey, streamToken } from '#shared/adapters/aws/secret-keys.ts';
import { createWake } from '#shared/adapters/aws/wake-queue.ts';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import { countLeased } from '#shared/adapters/dynamo/claim.ts';
import { createTokenBucketRateLimiter } from '#shared/adapters/memory/token-bucket-rate-limiter.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { createAdmission } from '#shared/service/domain/admission.ts';
import { createBlockList } from '#shared/service/domain/block-list.ts';
import { createCatalog } from '#shared/service/domain/catalog.ts';
import { createEstimator } from '#shared/service/domain/estimator.ts';
import { createKeyService } from '#shared/service/domain/keys.ts';
import { createPricing } from '#shared/service/domain/pricing.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import { createApiApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import type { ApiDeps, ApiSettings } from './http/deps.ts';
import type { BackgroundWork } from './http/lambda-adapter.ts';
import { MAX_WAIT_MS } from './http/limits.ts';
import { once } from './http/once.ts';
import type { RegisterRoutes } from './http/route-deps.ts';
import { pageAssets } from './pages/page-assets.ts';
import { registerPages } from './pages/pages.tsx';

const HOUR_MS = 3_600_000;
/** What an image takes on a GPU until one has shown it, and what starting an instance takes. */
const EXPECTED_IMAGE_MS = 1_500;
const COLD_START_MS = 6 * 60_000;
const URL_TTL_MS = 15 * 60_000;
const ATTACH_GRACE_MS = 15 * 60_000;

export interface ApiPlatform extends Platform {
  readonly readSecret: (id: string) => Promise<string>;
  readonly endpointState: (endpoint: string) => Promise<EndpointState>;
  /** Takes work that must end before the process is stopped after an answer. */
  readonly waitUntil: BackgroundWork['waitUntil'];
  /** For tests, whose receivers are on this machine. */
  readonly allowLocalWebhooks?: boolean;
}

/** The API over a platform; reads its secrets and the manifests of its models first. */
export async function composeApi(config: ApiConfig, platform: ApiPlatform) {
  const { clock, randomBytes, log, waitUntil } = platform;
  const [macSecret, receiptSecret, models] = await Promise.all([
    platform.readSecret(config.MAC_SECRET_ARN),
    platform.readSecret(config.RECEIPT_SECRET_ARN),
    readCatalogModels(platform.s3, config.MODEL_BUCKET_NAME, config.MODELS),
  ]);
  const carryWebhooks = createWebhookCarrier({
    client: platform.sqs,
    queueUrl: config.WEBHOOK_QUEUE_URL,
    clock,
    onError: log.error,
  });
  const onWebhooks = (webhooks: readonly OutboxEntry[]) => waitUntil(carryWebhooks(webhooks));
  const names = { tableName: config.TABLE_NAME, bucket: config.OUTPUT_BUCKET_NAME };
  const system = createAwsSystem(platform, names, onWebhooks);
  const { jobs, ledger, keys, outbox, blobs, settlement } = system;
  const outputOrigin = await originOf(blobs, clock.now());
  const progress = createSageMakerProgress({
    endpointState: platform.endpointState,
    blobs,
    settlement,
    models: config.MODELS,
    clock,
    coldStartMs: COLD_START_MS,
  });
  const estimator = createEstimator({
    jobs,
    queue: { progress },
    clock,
    expectedImageMs: EXPECTED_IMAGE_MS,
    lanes: config.MODELS.reduce((sum, model) => sum + model.maxInstances, 0),
  });
  const pricing = createPricing(deployedPrices(config.MODELS, models));
  const wake = createWake({
    client: platform.sqs,
    queueUrl: config.DISPATCH_QUEUE_URL,
    onError: log.error,
  });
  const admission = createAdmission({
    jobs,
    pricing,
    clock,
    randomBytes,
    settings: {
      queueLimit: config.QUEUE_LIMIT,
      deadlineMs: config.JOB_DEADLINE_SECONDS * 1000,
      retentionMs: config.RETENTION_HOURS * HOUR_MS,
    },
    ...defined({ checkPrompt: config.BLOCK_LIST && createBlockList(config.BLOCK_LIST) }),
    onAdmitted: () => waitUntil(wake()),
  });
  const keyService = createKeyService({
    keys,
    ledger,
    clock,
    randomBytes,
    macKeys: parseMacKeys(macSecret),
  });
  const catalog = createCatalog(models);
  const deps: ApiDeps = {
    settings: { ...settingsOf(config), allowLocalWebhooks: platform.allowLocalWebhooks ?? false },
    clock,
    randomBytes,
    keyService,
    keyStore: keys,
    jobs,
    ledger,
    blobs,
    rateLimiter: createTokenBucketRateLimiter(clock),
    catalog,
    pricing,
    admission,
    settlement,
    estimator,
    countRunning: (model) => countLeased(system.table, model),
    watcher: createPollingWatcher({ jobs, settlement, now: clock.now, sleep: platform.sleep }),
    outbox,
    onWebhookDue: (entry) => onWebhooks([entry]),
    receiptKey: receiptKey(receiptSecret),
    streamToken: (job) => streamToken(receiptSecret, job),
    checkReady: async () => {
      await system.table.get({ pk: 'READY', sk: 'META' });
    },
    waitUntil,
    onRequest: (request) => log.event('request', { ...request }),
    onError: (error, requestId) => log.error(error, `request ${requestId}`),
  };
  const pages: RegisterRoutes = (app) =>
    registerPages(app, {
      assets: once(pageAssets),
      keyService,
      catalog,
      pricing,
      imageOrigins: [outputOrigin],
      signInLocalVisitors: false,
    });
  return createApiApp(deps, [pages]);
}

/** Where signed URLs lead: the pages may show images from there. */
async function originOf(blobs: Pick<BlobStore, 'signedUrl'>, now: number): Promise<string> {
  const options = { expiresAt: now + 1000, filename: 'origin', contentType: 'image/png' };
  return new URL(await blobs.signedUrl('outputs/origin', options)).origin;
}

function settingsOf(config: ApiConfig): ApiSettings {
  return {
    ...defined({
      topupUrl: config.TOPUP_URL,
      operatorAccount: config.OPERATOR_ACCOUNT as AccountId | undefined,
    }),
    urlTtlMs: URL_TTL_MS,
    maxWaitMs: MAX_WAIT_MS,
    maxStreamMs: MAX_WAIT_MS,
    attachGraceMs: ATTACH_GRACE_MS,
    paused: config.PAUSED === '1',
    allowLocalWebhooks: false,
  };
}
