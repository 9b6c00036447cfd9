import { Hono } from 'hono';
import { createEmbeddedApp } from '#functions/local/embedded-app.ts';
import { startHttpServer } from '#functions/local/http-server.ts';
import { openDataFolder, openLocalService } from '#functions/local/open-local-service.ts';
import { loadServeConfig } from '#functions/local/serve-config.ts';
import type { Scope } from '#shared/core/account.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import { outputPrefix } from '#shared/core/output-keys.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';

/**
 * The process under load: the whole service but for the GPU function (jobs wait), or a bare Hono
 * server to compare it with. Told what to be by its parent, it tells back where it listens.
 */
export interface ApiServerTask {
  readonly kind: 'bare' | 'service';
  readonly folder: string;
  readonly synchronous: 'full' | 'normal';
}

/** What the process has used so far: a share of the machine, whatever else runs there. */
export interface ApiServerUsage {
  /** Resident memory after a collection. */
  readonly memoryBytes: number;
  readonly cpuMicros: number;
}

export interface ApiServerFacts {
  readonly url: string;
  /** Of the service: a key that may do everything, one without money, one without requests. */
  readonly keys: { readonly rich: string; readonly poor: string; readonly slow: string };
  /** An ended prediction with one image. */
  readonly prediction: string;
  readonly startMs: number;
}

const FASTEST = 10_000_000;
const MODEL: CatalogModel = {
  name: 'onestep/bench',
  digest: '0'.repeat(64),
  description: 'Makes nothing',
  createdAt: 0,
  size: {
    defaultWidth: 256,
    defaultHeight: 256,
    multiple: 8,
    min: 64,
    max: 512,
    maxPixels: 98_304,
  },
  formats: ['png'],
  maxOutputs: 4,
  recipe: FORMER_RECIPE,
  hasDrafts: false,
  licences: [],
  hardware: 'none',
};
/** Answers of the bare server, of the size of the service's. */
const PREDICTION = { id: '0'.repeat(26), input: {}, text: '-'.repeat(1150) };
const REFUSAL = { error: { code: 'refused' }, text: '-'.repeat(330) };

/**
 * The least that a server of this API could do: read the order's JSON, and answer in JSON with as
 * many bytes as the service. It keeps no state, knows no keys and checks nothing.
 */
async function startBare(): Promise<ApiServerFacts> {
  const app = new Hono();
  app.get('/predictions', (c) => c.json(PREDICTION));
  app.post('/predictions', async (c) => {
    const { input } = (await c.req.json()) as { input: unknown };
    return c.json({ ...PREDICTION, input }, 201);
  });
  app.post('/refusals', async (c) => {
    await c.req.json();
    return c.json(REFUSAL, 402);
  });
  const server = await startHttpServer({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
  return { url: server.url, keys: { rich: '', poor: '', slow: '' }, prediction: '', startMs: 0 };
}

async function startService({ folder, synchronous }: ApiServerTask): Promise<ApiServerFacts> {
  const startedAt = performance.now();
  const config = loadServeConfig({
    flags: {
      data: folder,
      synchronous,
      demoCredit: '1000000000000',
      queueLimit: '10000000',
      accountQueueLimit: '10000000',
    },
    env: {},
    file: '',
    fileRequired: false,
  });
  const data = openDataFolder(config);
  const { stores, blobs } = data;
  const service = await openLocalService(data, {
    models: [MODEL],
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  const { services, keys: first } = service;
  const { keyService } = services;
  const { edge } = createEmbeddedApp(service);
  const issue = async (account: AccountId, ratePerMinute: number): Promise<string> => {
    const scopes: Scope[] = ['predict', 'read'];
    return (await keyService.issue({ account, label: '', scopes, ratePerMinute }, 'system')).text;
  };
  const poorAccount = 'acc_poor' as AccountId;
  await stores.ledger.createAccount(
    { id: poorAccount, name: 'poor', createdAt: 0, balance: ZERO_USD, held: ZERO_USD },
    { id: '0', at: 0, account: poorAccount, actor: 'system', action: '', subject: '', details: {} },
  );
  const keys = {
    rich: await issue(first.account, FASTEST),
    poor: await issue(poorAccount, FASTEST),
    slow: await issue(first.account, 1),
  };
  await services.dispatcher.recover();
  const server = await startHttpServer({
    fetch: (request, platform) => edge.fetch(request, platform),
    host: '127.0.0.1',
    port: 0,
  });
  const startMs = performance.now() - startedAt;
  const created = await edge.request('http://localhost/v1/predictions', {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.rich}`, 'content-type': 'application/json' },
    body: JSON.stringify({ input: { prompt: 'bench' } }),
  });
  const { id } = (await created.json()) as { id: JobId };
  await finish(id);
  return { url: server.url, keys, prediction: id, startMs };

  /** Ends a job as the GPU function would. */
  async function finish(job: JobId): Promise<void> {
    const key = `${outputPrefix(job)}0.png`;
    await blobs.put(key, new Uint8Array(100), 'image/png');
    const sha256 = sha256Hex(new Uint8Array(100));
    const image = { index: 0, key, sha256, pixels_sha256: sha256, bytes: 100, seed: 0 };
    await services.settlement.applyCompletion({
      job,
      outcome: {
        kind: 'completed',
        receipt: {
          job,
          images: [{ ...image, width: 256, height: 256, format: 'png' }],
          ms: { load: 0, text: 1, unet: 1, vae: 1, encode: 1, upload: 1 },
          model: MODEL,
          versions: {},
          device: 'none',
          warnings: [],
        },
      },
    });
  }
}

process.once('message', async (task: ApiServerTask) => {
  process.send?.(await (task.kind === 'bare' ? startBare() : startService(task)));
  process.on('message', () => {
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const usage: ApiServerUsage = {
      memoryBytes: process.memoryUsage().rss,
      cpuMicros: user + system,
    };
    process.send?.(usage);
  });
});
process.on('disconnect', () => process.exit(0));
