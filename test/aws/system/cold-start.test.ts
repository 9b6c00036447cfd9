import { createReplicate } from '@ai-sdk/replicate';
import { generateImage } from 'ai';
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Cloud, MODEL, PRICE, startCloud } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { createSkippingTime } from '#test/helpers/skipping-time.ts';

const CREDIT = 1_000_000;
const MINUTE = 60_000;

// A minute of theirs is sixty looks at the table: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 300_000 });

/** The functions see minutes pass where the tests wait for moments. */
const time = createSkippingTime();
let demo: DemoPackage;
let cloud: Cloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startCloud({
    ...demo,
    jobDeadlineSeconds: 3_600,
    time,
  });
}, 120_000);
beforeEach(() => cloud.sageMaker.freeze());
afterEach(() => expectInvariant(cloud.system.ledger));
afterAll(async () => {
  await cloud?.stop();
  demo?.remove();
});

/** A customer, whose calls go through a `fetch` that notes what comes and waits no time between two. */
async function scene(onAnswer: (attempt: number) => void = () => {}) {
  const { key, account } = await cloud.newCustomer(CREDIT);
  const startedAt = time.clock.now();
  const answers: { readonly status: number; readonly headers: Headers; readonly body: Buffer }[] =
    [];
  const call: typeof fetch = async (url, init) => {
    const answer = await fetch(url, init);
    const { status } = answer;
    const body = Buffer.from(await answer.arrayBuffer());
    answers.push({ status, headers: answer.headers, body });
    onAnswer(answers.length);
    // A call that waits in vain takes about a minute: the schedule's turn.
    if (status === 503) await cloud.sweep();
    const headers = new Headers(answer.headers);
    headers.delete('content-encoding');
    if (headers.has('retry-after')) headers.set('retry-after-ms', '1');
    return new Response(body, { status, headers });
  };
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    call(cloud.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  return {
    key,
    call,
    post,
    answers,
    statuses: () => answers.map(({ status }) => status),
    passedMs: () => time.clock.now() - startedAt,
    money: () => cloud.system.ledger.getAccount(account),
    async captures() {
      const entries = await cloud.system.ledger.entries({ account, limit: 100 });
      return entries.filter(({ kind }) => kind === 'capture').map(({ amount }) => amount);
    },
  };
}

describe('an endpoint that is cold for three minutes', () => {
  it('lets the openai client come back to its order, and charges once', async () => {
    const s = await scene((attempt) => attempt === 4 && cloud.sageMaker.thaw());
    const before = cloud.sageMaker.accepted().length;
    const client = new OpenAI({
      baseURL: `${cloud.url}/v1`,
      apiKey: s.key,
      maxRetries: 60,
      fetch: s.call,
    });
    const images = await client.images.generate({ prompt: 'a mill', response_format: 'b64_json' });
    const picture = Buffer.from(images.data?.[0]?.b64_json ?? '', 'base64');
    expect((await sharp(picture).metadata()).format).toBe('png');
    const statuses = s.statuses();
    expect(statuses.slice(0, 4)).toEqual([503, 503, 503, 503]);
    expect(statuses.at(-1)).toBe(200);
    expect(s.passedMs()).toBeGreaterThan(3 * MINUTE);
    const [first] = s.answers;
    expect(Number(first?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.parse(String(first?.body))).toMatchObject({
      error: { code: 'model_loading' },
      detail: expect.stringContaining('provisioning'),
    });
    expect(cloud.sageMaker.accepted().slice(before)).toHaveLength(1);
    expect(await s.captures()).toEqual([PRICE]);
  });

  it('gives the bytes of one call to the same call made again', async () => {
    const s = await scene();
    const order = () => s.post('/v1/images', { prompt: 'a barn' }, { accept: 'image/webp' });
    const first = await order();
    expect([first.status, first.headers.get('content-type')]).toEqual([
      503,
      'application/problem+json',
    ]);
    cloud.sageMaker.thaw();
    let second = await order();
    while (second.status === 503) second = await order();
    expect([second.status, second.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const picture = await sharp(Buffer.from(await second.arrayBuffer())).metadata();
    expect(picture.format).toBe('webp');
    expect(await s.captures()).toEqual([PRICE]);
  });

  it("lets the AI SDK's Replicate model retry two equal orders, each for itself", async () => {
    const s = await scene((attempt) => attempt === 2 && cloud.sageMaker.thaw());
    const replicate = createReplicate({
      baseURL: `${cloud.url}/v1`,
      apiToken: s.key,
      fetch: s.call,
    });
    const { images } = await generateImage({
      model: replicate.image(MODEL),
      prompt: 'a well',
      seed: 5,
      n: 2,
      maxImagesPerCall: 1,
      maxRetries: 60,
    });
    expect(images.map(({ mediaType }) => mediaType)).toEqual(['image/png', 'image/png']);
    expect(s.statuses().slice(0, 2)).toEqual([503, 503]);
    expect(await s.captures()).toEqual([PRICE, PRICE]);
  });

  it('releases an order that nobody comes back for', async () => {
    const s = await scene();
    const answer = await s.post('/v1/images/generations', { prompt: 'a gate' });
    expect(answer.status).toBe(503);
    const { prediction } = (await answer.json()) as { prediction: string };
    expect(await s.money()).toMatchObject({ balance: CREDIT - PRICE, held: PRICE });
    time.advance(16 * MINUTE);
    await cloud.sweep();
    cloud.sageMaker.thaw();
    await expect
      .poll(async () => (await cloud.system.jobs.get(prediction as never))?.status, {
        timeout: 60_000,
      })
      .toBe('canceled');
    expect(await s.money()).toMatchObject({ balance: CREDIT, held: 0 });
  });
});
