import { createReplicate } from '@ai-sdk/replicate';
import { generateImage } from 'ai';
import OpenAI from 'openai';
import Replicate from 'replicate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type HttpServer, startHttpServer } from '#functions/local/http-server.ts';
import { createApiHarness } from '#test/helpers/api-harness.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The API on a port, with a GPU that keeps what it is given until it is told to finish. */
async function serveCold(settings: Record<string, string> = {}) {
  const clock = createManualClock();
  const harness = await createApiHarness({
    clock,
    behaviour: 'hold',
    config: { maxWaitSeconds: '1', attachGraceSeconds: '120', ...settings },
  });
  closers.push(() => harness.close());
  const server: HttpServer = await startHttpServer({
    fetch: (request, platform) => harness.edge.fetch(request, platform),
    host: '127.0.0.1',
    port: 0,
  });
  closers.push(() => server.close(100));
  const finishAll = async () => {
    harness.gpu.behaviour = 'make';
    for (const request of [...harness.gpu.held.values()]) await harness.gpu.finish(request);
  };
  const captures = async () => {
    const account = harness.keys.account;
    const entries = await harness.stores.ledger.entries({ account, limit: 100 });
    return entries.filter(({ kind }) => kind === 'capture').map(({ amount }) => amount);
  };
  return { ...harness, server, clock, finishAll, captures };
}

/** A `fetch` that loses its first calls once their orders are with the GPU. */
function losing(scene: Awaited<ReturnType<typeof serveCold>>, losses: number): typeof fetch {
  let calls = 0;
  return async (url, init) => {
    calls++;
    if (calls > losses) {
      const answer = fetch(url, init);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await scene.finishAll();
      return answer;
    }
    const cut = new AbortController();
    const lost = fetch(url, { ...init, signal: cut.signal }).catch(() => undefined);
    await vi.waitUntil(() => scene.gpu.submitted.length > 0, { timeout: 10_000, interval: 5 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    cut.abort();
    await lost;
    throw new TypeError('fetch failed');
  };
}

/** A client whose waits between attempts are short, and what it saw of each answer. */
function createClient(
  scene: Awaited<ReturnType<typeof serveCold>>,
  onAnswer: (answer: Response, attempt: number) => Promise<void>,
) {
  let attempt = 0;
  const client = new OpenAI({
    baseURL: `${scene.server.url}/v1`,
    apiKey: scene.keys.key,
    maxRetries: 9,
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      attempt++;
      await onAnswer(answer, attempt);
      const headers = new Headers(answer.headers);
      if (headers.has('retry-after')) headers.set('retry-after-ms', '1');
      return new Response(answer.body, { status: answer.status, headers });
    },
  });
  return client;
}

describe('the openai client and a model that is cold for three minutes', () => {
  it('is told to come back, finds its job each time, and pays once', async () => {
    const scene = await serveCold();
    const statuses: number[] = [];
    const client = createClient(scene, async (answer, attempt) => {
      statuses.push(answer.status);
      if (answer.status === 503) {
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await answer.clone().json()).toMatchObject({ error: { code: 'model_loading' } });
      }
      scene.clock.advance(60_000);
      if (attempt === 3) await scene.finishAll();
    });
    const answer = await client.images.generate({ prompt: 'a red circle' });
    expect(statuses).toEqual([503, 503, 503, 200]);
    expect(answer.data).toHaveLength(1);
    expect(new Set(scene.gpu.submitted.map(({ job }) => job)).size).toBe(1);
    expect(await scene.captures()).toEqual([4000]);
  });

  it('finds it as well when the model takes longer than anybody waits elsewhere', async () => {
    const scene = await serveCold();
    const client = createClient(scene, async (_answer, attempt) => {
      scene.clock.advance(110_000);
      if (attempt === 7) await scene.finishAll();
    });
    const answer = await client.images.generate({ prompt: 'a red circle' });
    expect(answer.data).toHaveLength(1);
    expect(new Set(scene.gpu.submitted.map(({ job }) => job)).size).toBe(1);
    expect(await scene.captures()).toEqual([4000]);
  });

  it('is told so before a stream begins, so that its client retries by itself', async () => {
    const scene = await serveCold();
    const statuses: number[] = [];
    const client = createClient(scene, async (answer, attempt) => {
      statuses.push(answer.status);
      if (attempt === 2) await scene.finishAll();
    });
    const stream = await client.images.generate({ prompt: 'a red circle', stream: true });
    const events = [];
    for await (const event of stream) events.push(event.type);
    expect(statuses).toEqual([503, 503, 200]);
    expect(events).toEqual(['image_generation.completed']);
    expect(await scene.captures()).toEqual([4000]);
  });

  it('is served by a plain second call as well, which has no retry header', async () => {
    const scene = await serveCold();
    const order = { json: { prompt: 'a red circle' } };
    const first = await scene.send('/v1/images/generations', order);
    expect(first.status).toBe(503);
    await scene.finishAll();
    const second = await scene.send('/v1/images/generations', order);
    expect(second.status).toBe(200);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await scene.captures()).toEqual([4000]);
    const third = await scene.send('/v1/images/generations', order);
    expect(third.status).toBe(200);
    expect(await scene.captures()).toEqual([4000, 4000]);
  });

  it('is released when it does not come back', async () => {
    const scene = await serveCold();
    const answer = await scene.send('/v1/images/generations', { json: { prompt: 'a' } });
    expect(answer.status).toBe(503);
    const { prediction } = await answer.json();
    scene.clock.advance(119_000);
    await scene.services.sweep.sweep(scene.clock.now());
    expect((await scene.send(`/v1/predictions/${prediction}`)).status).toBe(200);
    scene.clock.advance(2000);
    await scene.services.sweep.sweep(scene.clock.now());
    const job = await (await scene.send(`/v1/predictions/${prediction}`)).json();
    expect(job).toMatchObject({ status: 'canceled', cost: 0 });
    const account = await scene.stores.ledger.getAccount(scene.keys.account);
    expect(account).toMatchObject({ held: 0, balance: 10_000_000 });
  });
});

describe('callers of the other routes that can not poll', () => {
  it("include the AI SDK's Replicate model: each of two equal orders finds its own job", async () => {
    const scene = await serveCold();
    const statuses: number[] = [];
    const replicate = createReplicate({
      baseURL: `${scene.server.url}/v1`,
      apiToken: scene.keys.key,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        statuses.push(answer.status);
        if (statuses.length === 2) await scene.finishAll();
        const headers = new Headers(answer.headers);
        if (headers.has('retry-after')) headers.set('retry-after-ms', '1');
        return new Response(answer.body, { status: answer.status, headers });
      },
    });
    const { images } = await generateImage({
      model: replicate.image('onestep/test'),
      prompt: 'a red circle',
      seed: 5,
      n: 2,
      maxImagesPerCall: 1,
    });
    expect(images).toHaveLength(2);
    expect(statuses.filter((status) => status !== 200)).toEqual([503, 503, 201, 201]);
    expect(await scene.captures()).toEqual([4000, 4000]);
    expect(scene.gpu.submitted).toHaveLength(2);
  });

  it('include who wants the bytes in one call', async () => {
    const scene = await serveCold();
    const order = { json: { prompt: 'a red circle' }, headers: { accept: 'image/png' } };
    const first = await scene.send('/v1/images', order);
    expect([first.status, first.headers.get('content-type')]).toEqual([
      503,
      'application/problem+json',
    ]);
    expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
    await scene.finishAll();
    const second = await scene.send('/v1/images', order);
    expect([second.status, second.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(await scene.captures()).toEqual([4000]);
  });

  it('may come back with the last of their credit held by the very order', async () => {
    const scene = await serveCold({ demoCredit: '4000' });
    const order = { json: { prompt: 'a red circle' } };
    expect((await scene.send('/v1/images/generations', order)).status).toBe(503);
    await scene.finishAll();
    expect((await scene.send('/v1/images/generations', order)).status).toBe(200);
    expect(await scene.captures()).toEqual([4000]);
    expect((await scene.send('/v1/images/generations', order)).status).toBe(402);
  });
});

describe('the openai client whose connection is cut after its order was accepted', () => {
  it('finds the job with its retry and pays once', async () => {
    const scene = await serveCold();
    const client = new OpenAI({
      baseURL: `${scene.server.url}/v1`,
      apiKey: scene.keys.key,
      fetch: losing(scene, 1),
    });
    const answer = await client.images.generate({ prompt: 'a red circle', seed: 3 } as never);
    expect(answer).toMatchObject({ seed: 3, cost: 4000 });
    expect(scene.gpu.submitted).toHaveLength(1);
    expect(await scene.captures()).toEqual([4000]);
  });
});

describe('the replicate client, whose retries say nothing of being any', () => {
  const createClient = (scene: Awaited<ReturnType<typeof serveCold>>, losses: number) =>
    new Replicate({
      baseUrl: `${scene.server.url}/v1`,
      auth: scene.keys.key,
      fetch: losing(scene, losses),
    });
  const order = { input: { prompt: 'a red circle' } };

  it('finds the job whose connection was lost, each time, and pays once', async () => {
    const scene = await serveCold({ demoCredit: '4000' });
    const output = await createClient(scene, 3).run('onestep/test', order);
    expect(output).toHaveLength(1);
    expect(scene.gpu.submitted).toHaveLength(1);
    expect(await scene.captures()).toEqual([4000]);
  });

  it('orders anew when it is asked again after an answer that arrived', async () => {
    const scene = await serveCold();
    const client = createClient(scene, 1);
    await client.run('onestep/test', order);
    await client.run('onestep/test', order);
    expect(await scene.captures()).toEqual([4000, 4000]);
  });
});
