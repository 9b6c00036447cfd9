import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sellByCard } from '#functions/api/payments/sell-by-card.ts';
import type { CardDesk } from '#shared/service/ports/card-desk.ts';
import type { PaymentDesk } from '#shared/service/ports/payment-gateway.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { filesRoute } from '#functions/api/predictions/files-routes.ts';
import { createEmbeddedApp } from '#functions/local/embedded-app.ts';
import { openDataFolder, openLocalService } from '#functions/local/open-local-service.ts';
import { loadServeConfig, type ServeConfig } from '#functions/local/serve-config.ts';
import { type Clock, systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { InferenceRequest, Receipt } from '#shared/core/inference.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import type { BlobStore } from '#shared/service/ports/blob-store.ts';
import type { Completion, InferenceQueue } from '#shared/service/ports/inference-queue.ts';

export const TEST_MODEL: CatalogModel = {
  name: 'onestep/test',
  digest: 'ab'.repeat(32),
  description: 'A model of tests',
  createdAt: 1_700_000_000_000,
  size: {
    defaultWidth: 256,
    defaultHeight: 256,
    multiple: 8,
    min: 64,
    max: 512,
    maxPixels: 98_304,
  },
  formats: ['png', 'jpeg', 'webp'],
  maxOutputs: 4,
  recipe: FORMER_RECIPE,
  hasDrafts: false,
  licences: [{ part: 'repository', name: 'MIT' }],
  hardware: 'cpu',
};

/** What the fake GPU does with an order: makes it, keeps it, or fails it. */
export type Behaviour = 'make' | 'hold' | 'fail';

export interface HarnessOptions {
  readonly config?: Partial<Record<keyof ServeConfig, string>>;
  readonly clock?: Clock;
  readonly behaviour?: Behaviour;
  readonly aliases?: Readonly<Record<string, string>>;
  /** What the model has otherwise than the test model. */
  readonly model?: Partial<CatalogModel>;
  /** The counter that sells credit by card. */
  readonly desk?: CardDesk;
  /** The counter at which orders without an account are paid. */
  readonly paymentDesk?: PaymentDesk;
  /** Routes that only some deployments have. */
  readonly extras?: readonly RegisterRoutes[];
  /** Models beside that one. */
  readonly others?: readonly CatalogModel[];
  /** Throws while nothing can be made. */
  readonly checkReady?: () => Promise<void>;
}

/** Edge, API and domain over SQLite and a folder, with a GPU that only pretends. */
export async function createApiHarness(options: HarnessOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-api-'));
  const clock = options.clock ?? systemClock;
  const config = loadServeConfig({
    flags: { data: folder, synchronous: 'normal', ...options.config },
    env: {},
    file: 'none',
    fileRequired: false,
  });
  const data = openDataFolder(config, clock);
  const { stores, blobs } = data;
  const errors: unknown[] = [];
  const gpu = createFakeGpu(blobs, options.behaviour ?? 'make');
  const service = await openLocalService(data, {
    queue: gpu.queue,
    models: [{ ...TEST_MODEL, ...options.model }, ...(options.others ?? [])],
    aliases: options.aliases,
    gateway: options.paymentDesk,
    onError: (error) => errors.push(error),
  });
  const { services, keys } = service;
  gpu.onCompletion = (completion) => services.settlement.applyCompletion(completion);
  const { edge, api } = createEmbeddedApp(service, {
    cards:
      options.desk && sellByCard(options.desk, { ...stores, clock, randomBytes: data.randomBytes }),
    extras: [filesRoute(data.urls), ...(options.extras ?? [])],
    payments: options.paymentDesk && {
      desk: options.paymentDesk,
      unpaidLimits: { payer: 10, address: 10 },
    },
    ...defined({ checkReady: options.checkReady }),
  });
  services.dispatcher.start();
  return {
    folder,
    keys,
    services,
    stores,
    blobs,
    gpu,
    errors,
    api,
    edge,
    /** Sends a request through the edge, with the first key unless told otherwise. */
    async send(path: string, init: SendInit = {}): Promise<JsonResponse> {
      const { key = keys.key, json, ...rest } = init;
      const headers = new Headers(rest.headers);
      if (key !== null && !headers.has('authorization')) {
        headers.set('authorization', `Bearer ${key}`);
      }
      if (json !== undefined && !headers.has('content-type')) {
        headers.set('content-type', 'application/json');
      }
      const body = json === undefined ? rest.body : JSON.stringify(json);
      const method = rest.method ?? (body === undefined ? 'GET' : 'POST');
      const url = path.startsWith('http') ? path : `http://api.test${path}`;
      const response = await edge.request(url, {
        ...rest,
        method,
        headers,
        ...defined({ body }),
      });
      return Object.defineProperty(response, 'json', { value: () => parseBody(response) });
    },
    async close() {
      gpu.behaviour = 'make';
      for (const request of [...gpu.held.values()]) await gpu.finish(request);
      await services.dispatcher.drain(5000);
      while (gpu.running.size > 0) await Promise.all(gpu.running);
      stores.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type ApiHarness = Awaited<ReturnType<typeof createApiHarness>>;

/** Tests look into bodies of every kind: those have no type of their own. */
async function parseBody(response: Response) {
  return JSON.parse(await response.text());
}
type JsonResponse = Omit<Response, 'json'> & { json(): ReturnType<typeof parseBody> };

interface SendInit extends RequestInit {
  readonly key?: string | null;
  readonly json?: unknown;
}

function createFakeGpu(blobs: Pick<BlobStore, 'put'>, behaviour: Behaviour) {
  /** Does the work a moment later; until it is done, the stores must stay open. */
  const soon = (work: () => Promise<unknown>): void => {
    const running = new Promise(setImmediate).then(work).finally(() => gpu.running.delete(running));
    gpu.running.add(running);
  };
  const gpu = {
    behaviour,
    running: new Set<Promise<unknown>>(),
    held: new Map<string, InferenceRequest>(),
    submitted: [] as InferenceRequest[],
    onCompletion: async (_completion: Completion): Promise<unknown> => undefined,
    async finish(request: InferenceRequest): Promise<void> {
      gpu.held.delete(request.job);
      const receipt = await makeImages(blobs, request);
      await gpu.onCompletion({
        job: request.job as Completion['job'],
        outcome: { kind: 'completed', receipt },
      });
    },
    queue: {} as InferenceQueue,
  };
  gpu.queue = {
    capacity: async () => 8 - gpu.held.size,
    async submit(request) {
      gpu.submitted.push(request);
      gpu.held.set(request.job, request);
      if (gpu.behaviour === 'make') soon(() => gpu.finish(request));
      if (gpu.behaviour === 'fail') {
        gpu.held.delete(request.job);
        soon(() =>
          gpu.onCompletion({
            job: request.job as Completion['job'],
            outcome: {
              kind: 'failed',
              code: 'model-error',
              message: 'the model broke',
              retryable: false,
              images: [],
            },
          }),
        );
      }
    },
    async cancel(job) {
      if (!gpu.held.delete(job)) return;
      await gpu.onCompletion({
        job,
        outcome: {
          kind: 'failed',
          code: 'canceled',
          message: 'canceled',
          retryable: false,
          images: [],
        },
      });
    },
    progress: async () => ({ phase: 'running', imagesDone: 0 }),
  };
  return gpu;
}

/** Files that are no pictures, but as long and as different as they should be. */
async function makeImages(
  blobs: Pick<BlobStore, 'put'>,
  request: InferenceRequest,
): Promise<Receipt> {
  const images = [];
  for (let index = 0; index < request.num_outputs; index++) {
    const seed = (request.seed + index) >>> 0;
    const bytes = Buffer.from(`${request.output_format} ${request.prompt} ${seed}`);
    const sha256 = sha256Hex(bytes);
    const key = `${request.store.prefix}${index}.${request.output_format}`;
    await blobs.put(key, bytes, `image/${request.output_format}`);
    images.push({
      index,
      key,
      sha256,
      pixels_sha256: sha256,
      bytes: bytes.length,
      width: request.width,
      height: request.height,
      seed,
      format: request.output_format,
    });
  }
  return {
    job: request.job,
    images,
    ms: { load: 0, text: 1, unet: 2, vae: 1, encode: 1, upload: 0 },
    model: { name: request.model.name, digest: request.model.digest ?? '' },
    versions: { onestep: 'test' },
    device: 'cpu',
    warnings: [],
  };
}
