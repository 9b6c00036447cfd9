import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservedRequest } from '#functions/api/http/observe-requests.ts';
import { once } from '#functions/api/http/once.ts';
import { metricsRoute } from '#functions/api/operations/metrics-routes.ts';
import { createOneTimeLinks } from '#functions/api/pages/one-time-links.ts';
import { pageAssets } from '#functions/api/pages/page-assets.ts';
import { registerPages } from '#functions/api/pages/pages.tsx';
import { filesRoute } from '#functions/api/predictions/files-routes.ts';
import { createDeliveryLoop } from '#functions/webhooks/delivery-loop.ts';
import { createSafeFetch } from '#shared/adapters/http/safe-fetch.ts';
import { signStandardWebhook } from '#shared/adapters/http/standard-webhooks.ts';
import { createMetrics } from '#shared/adapters/metrics/metrics.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { isTerminal } from '#shared/core/job.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { chainInDer, validityProblem } from '#shared/provenance/c2pa/claim-signer.ts';
import { createPresenter } from '#shared/service/domain/present-prediction.ts';
import { type DeliveryDeps, deliverEntry } from '#shared/service/domain/webhooks/deliver.ts';
import { startBackgroundLoops } from './background-loops.ts';
import { createEmbeddedApp } from './embedded-app.ts';
import { assertPricedModels, offerOf } from './find-models.ts';
import type { EnsuredKeys } from './first-start.ts';
import { createGpuClient } from './gpu-client.ts';
import { startGpuProcess } from './gpu-process.ts';
import { startHttpServer } from './http-server.ts';
import { createImageInspector } from './image-inspector.ts';
import { ensureC2paFiles } from './local-marking.ts';
import { createJobTracing } from './job-tracing.ts';
import { createLoopbackQueue } from './loopback-queue.ts';
import { createModelWatch } from './model-watch.ts';
import { openCards, openPayments } from './open-payments.ts';
import {
  type DataFolder,
  damagedLog,
  openDataFolder,
  openLocalService,
} from './open-local-service.ts';
import { previewImage } from './preview-image.ts';
import { readBlockList, readImageCheck } from './read-safety.ts';
import type { ServeConfig } from './serve-config.ts';
import { removeServerFile, writeServerFile } from './server-file.ts';
import { startTracing } from './start-tracing.ts';

/** On a CPU drawing takes nearly all of an order's time: one more is enough. */
const CPU_DEPTH = 2;
/** How long a shutdown waits for running jobs, and then for answers on their way. */
const DRAIN_MS = 10_000;
const ANSWERS_MS = 2000;

export interface EmbeddedServer {
  readonly url: string;
  readonly keys: EnsuredKeys;
  /** A link that signs a browser in once, at the public URL where there is one. */
  readonly signInLink: () => string;
  /** Ends in good order: running jobs end or go back to the queue, nothing is lost. */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Called for failures that no request can answer with. */
  readonly onError: (error: unknown, what: string) => void;
  readonly onLog: (line: string) => void;
  /** Called for each request as its answer begins. */
  readonly onRequest?: (request: ObservedRequest) => void;
}

/**
 * The whole service in this process, but for the GPU function, which is its child: edge, API, stores
 * in one folder, dispatcher, sweep and webhooks.
 *
 * @throws AppError `conflict` when the folder or the port is taken
 */
export async function startEmbeddedServer(
  config: ServeConfig,
  options: EmbeddedOptions,
): Promise<EmbeddedServer> {
  const folder = openDataFolder(config);
  const undo: Undo[] = [() => folder.stores.close()];
  try {
    return await compose(folder, options, undo);
  } catch (error) {
    // A child left running would keep this process from ending and the folder from being used.
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

/** Takes back one step of a start that failed at a later one. */
type Undo = () => void | Promise<void>;

async function compose(
  folder: DataFolder,
  { env, onError, onLog, onRequest }: EmbeddedOptions,
  undo: Undo[],
): Promise<EmbeddedServer> {
  const { config, stores, clock, randomBytes } = folder;
  const metrics = createMetrics(stores);
  const tracing = await startTracing(env);
  undo.push(() => tracing?.stop());
  const traces = tracing && createJobTracing(tracing.tracer);
  const damage = damagedLog(stores);
  if (damage !== undefined) onError(damage, 'opening the database');
  const packages = createModelWatch(config, folder.path, onError);
  const models = (await packages.look()) ?? [];
  assertPricedModels(config, models);
  const c2pa = await ensureC2paFiles(config, folder.path, folder.secrets.receiptSigningKey);
  const doubt = validityProblem(chainInDer(readFileSync(c2pa.chain, 'utf8')), clock.now());
  if (doubt !== undefined) onError(new AppError('invalid-file', doubt), 'C2PA certificate');
  const payments = await openPayments(config, env);
  const cards = await openCards(env, { ...stores, clock, randomBytes });
  const gpu = startGpuProcess({
    modelFolders: models.map((model) => model.folder),
    filesFolder: folder.filesPath,
    device: config.device,
    imageCheck: readImageCheck(config),
    watermark: config.watermark,
    timeStampUrl: config.c2pa?.timeStampUrl,
    c2pa,
    env,
    onLog,
    onExit: (how) => onError(new Error(`it ended with ${how}`), 'GPU function'),
  });
  undo.push(() => gpu.stop(0));
  const client = createGpuClient(gpu.port);
  const queue = createLoopbackQueue({
    client,
    clock,
    depth: config.device === 'cuda' ? ORDER_FLOW.inFlight : CPU_DEPTH,
    isUp: () => gpu.port() !== undefined,
    onStarted: (job, startedAt) => services.settlement.applyStart(job, startedAt),
    onProgress: (job, imagesDone) => services.settlement.applyProgress(job, imagesDone),
    onCompletion: (completion) => services.settlement.applyCompletion(completion),
    onError,
  });
  const service = await openLocalService(folder, {
    queue,
    ...offerOf(config, models),
    aliases: config.aliases,
    checkPrompt: readBlockList(config),
    gateway: payments?.desk,
    onError,
    onChange(job) {
      metrics.observeJob(job);
      traces?.onJob(job);
      if (job.webhook !== undefined) deliveries.wake();
    },
  });
  const { services, keys } = service;
  const links = createOneTimeLinks(keys.adminKey, clock, randomBytes);
  const assets = once(pageAssets);
  const inspector = createImageInspector();
  undo.push(inspector.close);
  const { edge, api } = createEmbeddedApp(service, {
    async checkReady() {
      await stores.jobs.queueDepth();
      if (!(await client.isReady())) throw new AppError('unavailable', 'the model is loading');
    },
    countRunning: queue.countInside,
    payments,
    cards,
    inspectImage: inspector.inspect,
    previewImage,
    pageAssets: assets,
    onWebhookDue: () => deliveries.wake(),
    onRequest(request) {
      metrics.observeRequest(request);
      traces?.onRequest(request, clock.now());
      onRequest?.(request);
    },
    extras: [
      filesRoute(folder.urls),
      metricsRoute(metrics),
      (app, { keyService, catalog, pricing, settings }) =>
        registerPages(app, {
          assets,
          keyService,
          catalog,
          pricing,
          imageOrigins: [],
          operatorAccount: settings.operatorAccount,
          oneTimeLinks: links,
          publicUrl: settings.publicUrl,
        }),
    ],
  });
  const presenter = createPresenter(api);
  let origin = config.publicUrl?.replace(/\/+$/, '') ?? '';
  const sendWebhook = createSafeFetch({ allowLocal: config.allowLocalWebhooks });
  const delivery: DeliveryDeps = {
    outbox: stores.outbox,
    jobs: services.jobs,
    clock,
    randomBytes,
    sign: signStandardWebhook,
    render: async (job) =>
      presenter.present(
        job,
        origin,
        isTerminal(job.status) ? undefined : await services.estimator.estimate(job),
      ),
    send: sendWebhook,
    onAttempt(attempt, result, entry) {
      metrics.observeDelivery(attempt, result);
      traces?.onAttempt(attempt, entry);
    },
    ...defined({ traceparentOf: traces?.traceparentOf }),
  };
  const deliveries = createDeliveryLoop({
    outbox: stores.outbox,
    clock,
    deliver: (entry) => deliverEntry(delivery, entry),
    onError: (error) => onError(error, 'webhooks'),
  });
  const server = await startHttpServer({
    fetch: (request, platform) => edge.fetch(request, platform),
    host: config.host,
    port: config.port,
  });
  undo.push(() => server.close(0));
  origin ||= server.url;
  // In a checkout they are built now: the first visitor should not wait for that.
  assets().catch((error: unknown) => onError(error, 'pages'));
  writeServerFile(folder.path, { url: server.url, pid: process.pid });
  await services.dispatcher.recover();
  void gpu.listening().then(() => services.dispatcher.wake());
  services.dispatcher.start();
  deliveries.start();
  const loops = startBackgroundLoops({
    ...{ stores, clock, randomBytes, services, onError },
    onWebhooks: deliveries.wake,
  });
  const looking = packages.follow(async (found) => {
    // Nobody is to order what the GPU function does not know yet.
    await gpu.serve(found.map((model) => model.folder));
    services.offer(offerOf(config, found));
  });

  return {
    url: server.url,
    keys,
    signInLink: () => origin + links.create(),
    async close() {
      const answered = server.close(DRAIN_MS + ANSWERS_MS);
      await Promise.all([
        services.dispatcher.drain(DRAIN_MS),
        loops.stop(),
        looking.stop(),
        deliveries.stop(),
      ]);
      services.hub.release();
      await Promise.race([
        services.collection?.settled(),
        sleep(ANSWERS_MS, undefined, { ref: false }),
      ]);
      queue.close();
      await Promise.all([answered, gpu.stop(ANSWERS_MS), inspector.close()]);
      await tracing?.stop();
      removeServerFile(folder.path);
      stores.close();
    },
  };
}
