import { createAwsSystem, type Platform } from '#shared/adapters/aws/aws-system.ts';
import { createDeployedEndpointLife } from '#shared/adapters/aws/endpoint-life.ts';
import type { EndpointState } from '#shared/adapters/aws/endpoint-state.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { deployedPrices, readCatalogModels } from '#shared/adapters/aws/model-catalog.ts';
import { createPollingWatcher } from '#shared/adapters/aws/polling-watcher.ts';
import { createSageMakerProgress } from '#shared/adapters/aws/sagemaker-progress.ts';
import { parseMacKeys, receiptSigningKey, streamMac } from '#shared/adapters/aws/secret-keys.ts';
import { createWake } from '#shared/adapters/aws/wake-queue.ts';
import { createWebhookCarrier } from '#shared/adapters/aws/webhook-carrier.ts';
import { countLeased } from '#shared/adapters/dynamo/claim.ts';
import { createEndpointRows } from '#shared/adapters/dynamo/endpoint-rows.ts';
import { createLeasedRateLimiter } from '#shared/adapters/dynamo/leased-rate-limiter.ts';
import { createRateRows } from '#shared/adapters/dynamo/rate-rows.ts';
import { createRememberedReads } from '#shared/adapters/memory/remembered-reads.ts';
import { deployedGateway, readX402Secret } from '#shared/adapters/x402/deployed-x402.ts';
import { createX402Desk } from '#shared/adapters/x402/x402-desk.ts';
import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { createBlockList } from '#shared/service/domain/block-list.ts';
import { expectedWakeMs } from '#shared/service/domain/endpoints/endpoint-life.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { EndpointControl } from '#shared/service/ports/endpoint-control.ts';
import { createRequestServices } from '#shared/service/services.ts';
import { createApiApp } from './app.ts';
import type { ApiConfig } from './config.ts';
import type { ApiDeps, ApiSettings, CardDeps, PaymentDeps } from './http/deps.ts';
import type { BackgroundWork } from './http/lambda-adapter.ts';
import { MAX_WAIT_MS } from './http/limits.ts';
import { once } from './http/once.ts';
import type { RegisterRoutes } from './http/route-deps.ts';
import { deployedCards } from './payments/deployed-cards.ts';
import { pageAssets } from './pages/page-assets.ts';
import { registerPages } from './pages/pages.tsx';
import { createRequestCollection } from './payments/request-collection.ts';
import type { SellerDeps } from './payments/sell-by-card.ts';

/** How long an image takes on a GPU until one was measured. */
const EXPECTED_IMAGE_MS = 1_500;
/** How long it is believed what the last wakes took. */
const WAKES_TTL_MS = 60_000;
const URL_TTL_MS = 15 * 60_000;
const ATTACH_GRACE_MS = 15 * 60_000;

export interface ApiPlatform extends Platform {
  readonly readSecret: (id: string) => Promise<string>;
  readonly endpointState: (endpoint: string) => Promise<EndpointState>;
  readonly endpointControl: (variant: string) => EndpointControl;
  /** Reads an image file for its marks. */
  readonly inspectImage: NonNullable<ApiDeps['inspectImage']>;
  /** Takes work that must end before the process is stopped after an answer. */
  readonly waitUntil: BackgroundWork['waitUntil'];
  /** For tests, whose receivers are on this machine. */
  readonly allowLocalWebhooks?: boolean;
}

/** The API over a platform; reads its secrets and the manifests of its models first. */
export async function composeApi(config: ApiConfig, platform: ApiPlatform) {
  const { clock, randomBytes, log, waitUntil } = platform;
  /** Without a way to pay, callers who have a key and credit are served all the same. */
  const unlessBroken = <T>(what: string, opening: Promise<T>) =>
    opening.catch((error: unknown) => {
      log.error(error, `opening ${what}`);
      return undefined;
    });
  const [macSecret, receiptSecret, payments, models] = await Promise.all([
    platform.readSecret(config.MAC_SECRET_ARN),
    platform.readSecret(config.RECEIPT_SECRET_ARN),
    unlessBroken('payments by x402', openPayments(config, platform.readSecret)),
    readCatalogModels(platform.s3, config.MODEL_BUCKET_NAME, config.MODELS),
  ]);
  const carryWebhooks = createWebhookCarrier({
    client: platform.sqs,
    queueUrl: config.WEBHOOK_QUEUE_URL,
    clock,
    onError: log.error,
  });
  const onWebhooks = (webhooks: readonly OutboxEntry[]) => waitUntil(carryWebhooks(webhooks));
  const names = {
    tableName: config.TABLE_NAME,
    bucket: config.OUTPUT_BUCKET_NAME,
    recordDays: config.RECORD_DAYS,
  };
  const system = createAwsSystem(platform, names);
  const { jobs, ledger, keys, outbox, hooks, erasure, blobs } = system;
  const settlement = system.createSettlement(
    onWebhooks,
    payments &&
      createRequestCollection({
        collect: system.createCollector(payments.desk).collect,
        ...{ jobs, waitUntil, sleep: platform.sleep, onError: log.error },
      }),
  );
  const rows = createEndpointRows(system.table);
  const outputOrigin = await originOf(blobs, clock.now());
  const progress = createSageMakerProgress({
    endpointState: platform.endpointState,
    blobs,
    settlement,
    models: config.MODELS,
    clock,
    expectedWakeMs: createRememberedReads({
      read: async (endpoint: string) => expectedWakeMs(await rows.get(endpoint)),
      clock,
      ttlMs: WAKES_TTL_MS,
    }),
  });
  const life = createDeployedEndpointLife({
    table: system.table,
    variant: config.SCALED_VARIANT,
    controlOf: platform.endpointControl,
    models: config.MODELS,
    clock,
  });
  const instanced = new Set(config.MODELS.filter(hasInstances).map(({ name }) => name));
  const wakeEndpoint = async (model: string): Promise<void> => {
    try {
      if (instanced.has(model)) await life?.wake(model);
    } catch (error) {
      // The sweep wakes it within a minute.
      log.error(error, `waking ${model}`);
    }
  };
  const wake = createWake({
    client: platform.sqs,
    queueUrl: config.DISPATCH_QUEUE_URL,
    onError: log.error,
  });
  const services = createRequestServices({
    ...system,
    clock,
    randomBytes,
    queue: { progress },
    macKeys: parseMacKeys(macSecret),
    models,
    aliases: config.ALIASES,
    prices: deployedPrices(config.MODELS, models),
    checkPrompt: config.BLOCK_LIST && createBlockList(config.BLOCK_LIST),
    limits: {
      queueLimit: config.QUEUE_LIMIT,
      accountQueueLimit: config.ACCOUNT_QUEUE_LIMIT,
      jobDeadlineSeconds: config.JOB_DEADLINE_SECONDS,
      retentionHours: config.RETENTION_HOURS,
    },
    expectedImageMs: EXPECTED_IMAGE_MS,
    lanes: config.MODELS.reduce((sum, model) => sum + model.maxInstances, 0),
    onAdmitted: (job) => waitUntil(Promise.all([wake(), wakeEndpoint(job.model.name)])),
  });
  const assets = once(pageAssets);
  const sellerDeps = { ledger, autoTopups: system.autoTopups, clock, randomBytes };
  const cards = await unlessBroken(
    'payments by card',
    openCards(config, platform.readSecret, sellerDeps),
  );
  const deps: ApiDeps = {
    pageAssets: assets,
    settings: { ...settingsOf(config), allowLocalWebhooks: platform.allowLocalWebhooks ?? false },
    clock,
    randomBytes,
    ...services,
    keyStore: keys,
    jobs,
    ledger,
    blobs,
    rateLimiter: createLeasedRateLimiter({ rows: createRateRows(system.table), clock }),
    settlement,
    payments,
    cards,
    ...defined({
      warmModel:
        life &&
        (async (model: string, forMs: number) =>
          instanced.has(model) ? life.warm(model, forMs) : undefined),
    }),
    countRunning: (model) => countLeased(system.table, model),
    watcher: createPollingWatcher({ jobs, settlement, now: clock.now, sleep: platform.sleep }),
    outbox,
    hooks,
    erasure,
    onWebhookDue: (entry) => onWebhooks([entry]),
    inspectImage: platform.inspectImage,
    receiptSigningKey: receiptSigningKey(receiptSecret),
    streamMac: (job, endsAt) => streamMac(receiptSecret, job, endsAt),
    checkReady: async () => {
      await system.table.get({ pk: 'READY', sk: 'META' });
    },
    waitUntil,
    onRequest: (request) => log.event('request', { ...request }),
    onError: (error, requestId) => log.error(error, `request ${requestId}`),
  };
  const pages: RegisterRoutes = (app, { keyService, catalog, pricing, settings }) =>
    registerPages(app, {
      assets,
      keyService,
      catalog,
      pricing,
      imageOrigins: [outputOrigin],
      operatorAccount: settings.operatorAccount,
    });
  return createApiApp(deps, [pages]);
}

/** What it takes to sell without accounts, where that is configured. */
async function openPayments(
  config: ApiConfig,
  readSecret: ApiPlatform['readSecret'],
): Promise<PaymentDeps | undefined> {
  if (config.X402 === undefined) return undefined;
  const { unpaidPerPayer: payer, unpaidPerAddress: address } = config.X402;
  const jobDeadlineSeconds = config.JOB_DEADLINE_SECONDS;
  const gateway = deployedGateway(config, await readX402Secret(config, readSecret));
  return {
    desk: await createX402Desk({ ...gateway, jobDeadlineSeconds }),
    unpaidLimits: { payer, address },
  };
}

/** What it takes to sell credit by card, where that is configured. */
async function openCards(
  config: ApiConfig,
  readSecret: ApiPlatform['readSecret'],
  deps: SellerDeps,
): Promise<CardDeps | undefined> {
  const { STRIPE_SECRET_ARN: secret } = config;
  return secret === undefined ? undefined : deployedCards(await readSecret(secret), deps);
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
    runningCancelsPerHour: config.RUNNING_CANCELS_PER_HOUR,
    paused: config.PAUSED === '1',
    allowLocalWebhooks: false,
  };
}
