import { createHash } from 'node:crypto';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage, startBrowser, waitForPicture } from '#test/browser/open-page.ts';
import { MODEL, PRICE } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { type DeployedCloud, startDeployedCloud } from '#test/helpers/deployed-cloud.ts';
import { installDebian } from '#test/helpers/install-debian.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { functionUrlEvent } from '#test/helpers/lambda-events.ts';
import { readUrlAnswer } from '#test/stand-ins/lambda/function-url.ts';
import { createMemoryGroup } from '#test/stand-ins/lambda/memory-group.ts';
import { runFunction } from '#test/stand-ins/lambda/running-function.ts';

let demo: DemoPackage;
let cloud: DeployedCloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startDeployedCloud(demo);
}, 600_000);
afterAll(async () => {
  if (cloud !== undefined) {
    await expectInvariant(cloud.system.ledger);
    const { api, emulated } = cloud;
    const peaks = Object.entries({ api, ...emulated }).map(
      ([name, fn]) => `${name} ${Math.round(fn.peakBytes() / 2 ** 20)} MiB`,
    );
    process.stderr.write(
      `Memory at most: ${peaks.join(', ')}; ${api.starts()} starts of the API\n`,
    );
  }
  await cloud?.stop();
  demo?.remove();
});

/** A request as a client of this key sends it, without following where it is sent. */
function call(key: string, method: string, path: string, body?: object, more: RequestInit = {}) {
  return fetch(cloud.url + path, {
    method,
    redirect: 'manual',
    ...more,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

interface Ordered {
  readonly id: string;
  readonly urls: { readonly stream: string };
}

interface Ended {
  readonly output: readonly string[];
  readonly receipt: { readonly images: readonly { readonly signature: string }[] };
}

async function order(key: string, input: object): Promise<Ordered> {
  const answer = await call(key, 'POST', `/v1/models/${MODEL}/predictions`, { input });
  return (await answer.json()) as Ordered;
}

async function untilEnded(key: string, id: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const answer = await call(key, 'GET', `/v1/predictions/${id}`);
        return ((await answer.json()) as { status: string }).status;
      },
      { timeout: 60_000, interval: 300 },
    )
    .toBe('succeeded');
}

describe('answers without a body, under the real runtime', () => {
  it.each(['/', '/keys'])('GET %s leads to signing in', async (path) => {
    const answer = await fetch(cloud.url + path, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(/^\.\/sign-in/);
  });

  it('POST /sign-in sets the cookie', async () => {
    const answer = await fetch(`${cloud.url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ key: cloud.operator.key }),
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('set-cookie')).toMatch(/^onestep_session=os_live_.*HttpOnly.*Secure/);
  });

  it('HEAD has the status and the headers of GET', async () => {
    const answer = await call(cloud.operator.key, 'HEAD', '/v1/models');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
  });

  it('DELETE of a prediction is a 204, after a picture with a signed receipt', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    const { id } = await order(key, { prompt: 'a mill', seed: 1 });
    await untilEnded(key, id);
    // Signed by the container with the key that the API knows, and that no job's body had.
    const ended = await call(key, 'GET', `/v1/predictions/${id}`);
    const { output, receipt } = (await ended.json()) as Ended;
    const picture = await fetch(output[0] ?? '');
    const { xmp } = await sharp(Buffer.from(await picture.arrayBuffer())).metadata();
    expect(xmp?.toString()).toContain(receipt.images[0]?.signature);
    const answer = await call(key, 'DELETE', `/v1/predictions/${id}`);
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
  });
});

describe('a person with a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    if (process.env['CHROMIUM_PATH'] === undefined) await installDebian({ chromium: 'chromium' });
    browser = await startBrowser();
  }, 300_000);
  afterAll(() => browser?.close());

  it('signs in on the page and makes a picture, through edge and API', async () => {
    const { page, context, errors } = await openPage(browser);
    await page.goto(`${cloud.url}/sign-in`);
    await page.fill('#key', cloud.operator.key);
    await page.click('button.primary');
    await page.waitForSelector('#prompt');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', secure: true });
    await page.fill('#prompt', 'a red lighthouse by the sea at sunset');
    await page.click('button.primary');
    await waitForPicture(page, 60_000);
    expect(errors).toEqual([]);
  });
});

describe('long and large answers', () => {
  it('streams events for fifty seconds while nothing happens', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    await cloud.sageMaker.freeze();
    const { id, urls } = await order(key, { prompt: 'a gate' });
    const began = Date.now();
    const answer = await call(key, 'GET', new URL(urls.stream).pathname);
    expect(answer.status).toBe(200);
    let firstMs: number | undefined;
    let text = '';
    for await (const chunk of answer.body ?? []) {
      firstMs ??= Date.now() - began;
      text += Buffer.from(chunk).toString();
    }
    const lastedMs = Date.now() - began;
    expect(lastedMs).toBeGreaterThan(48_000);
    expect(lastedMs).toBeLessThan(60_000);
    expect(firstMs).toBeLessThan(10_000);
    expect(text).toContain('event:');
    cloud.sageMaker.thaw();
    await untilEnded(key, id);
  }, 180_000);

  it('carries more than 8 MB whole', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    const ask = () =>
      call(
        key,
        'POST',
        '/v1/images/generations',
        { prompt: 'noise', n: 4, response_format: 'b64_json' },
        { headers: { 'idempotency-key': 'large' } },
      );
    let first = await ask();
    while (first.status === 503) first = await ask();
    expect(first.status, await first.text()).toBe(200);
    const noise = await noisePicture();
    await replacePictures(noise);
    const answer = await ask();
    const text = await answer.text();
    expect(answer.status, text.slice(0, 300)).toBe(200);
    expect(text.length).toBeGreaterThan(8 * 1024 * 1024);
    const { data } = JSON.parse(text) as { data: { b64_json: string }[] };
    expect(data.map(({ b64_json }) => Buffer.from(b64_json, 'base64').equals(noise))).toEqual(
      Array(4).fill(true),
    );
  }, 180_000);

  it('is none the worse for a client that hangs up', async () => {
    const { key, account } = await cloud.newCustomer(1_000_000);
    await cloud.sageMaker.freeze();
    const { id, urls } = await order(key, { prompt: 'a well' });
    const leaving = new AbortController();
    const { pathname } = new URL(urls.stream);
    const answer = await call(key, 'GET', pathname, undefined, { signal: leaving.signal });
    expect(answer.status).toBe(200);
    await answer.body?.getReader().read();
    leaving.abort();
    cloud.sageMaker.thaw();
    await untilEnded(key, id);
    const money = await cloud.system.ledger.getAccount(account);
    expect(money).toMatchObject({ balance: 1_000_000 - PRICE, held: 0 });
  });
});

describe('the functions that nobody calls', () => {
  it('a lost completion is settled by the sweep', async () => {
    const { key, account } = await cloud.newCustomer(1_000_000);
    const before = cloud.sageMaker.accepted().length;
    cloud.sageMaker.nextFault('lose');
    const { id } = await order(key, { prompt: 'a pier' });
    await cloud.sageMaker.untilAccepted(before + 1);
    await cloud.sageMaker.idle();
    expect(await cloud.sweep()).toMatchObject({ reconciled: 1 });
    await untilEnded(key, id);
    const money = await cloud.system.ledger.getAccount(account);
    expect(money).toMatchObject({ balance: 1_000_000 - PRICE, held: 0 });
  });

  it('a webhook is tried, its failure noted, and the order none the worse', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    // No receiver here can have an address that the function would deliver to.
    const webhook = 'https://hooks.example.invalid/onestep?token=secret';
    const answer = await call(key, 'POST', `/v1/models/${MODEL}/predictions`, {
      input: { prompt: 'a quay' },
      webhook,
      webhook_events_filter: ['completed'],
    });
    const { id } = (await answer.json()) as Ordered;
    await untilEnded(key, id);
    const tried = () => cloud.lines.find((line) => line.includes(`msg_${id}_completed`));
    await expect.poll(tried, { timeout: 60_000 }).toMatch(/webhook-attempted.*"outcome"/);
    expect(tried()).not.toContain('token=secret');
  });
});

describe('an API that fails', () => {
  const hash = createHash('sha256').update('').digest('hex');
  /** `GET` of a path as the Function URL gives it to the function. */
  const get = (path: string, key = cloud.operator.key) =>
    functionUrlEvent(
      {
        method: 'GET',
        uri: path,
        querystring: '',
        headers: headersOf({
          'x-amz-content-sha256': hash,
          'x-onestep-authorization': `Bearer ${key}`,
          'x-onestep-request-id': 'req_1',
        }),
      },
      Buffer.alloc(0),
    );

  it('while it starts says why, and is started again for the next event', async () => {
    const { fn, ...options } = cloud.optionsOf('api');
    const environment = { ...fn.environment, MODELS: 'nonsense' };
    const api = runFunction({ ...options, fn: { ...fn, environment } }, 2);
    for (let round = 1; round <= 2; round++) {
      await expect(api.invoke(get('/v1/models'))).rejects.toThrow(/MODELS/);
      expect(api.starts()).toBe(round);
    }
    await api.stop();
  });

  it('at its time limit breaks the answer off, and answers the next event', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    await cloud.sageMaker.freeze();
    const { id, urls } = await order(key, { prompt: 'a barn' });
    const { fn, ...options } = cloud.optionsOf('api');
    const api = runFunction({ ...options, fn: { ...fn, timeoutSeconds: 3 } }, 2);
    const answer = await readUrlAnswer(await api.invoke(get(new URL(urls.stream).pathname)));
    expect(answer.statusCode).toBe(200);
    await expect(answer.body.resume().toArray()).rejects.toThrow('timed out after 3 seconds');
    const next = await readUrlAnswer(await api.invoke(get('/v1/models')));
    expect(next.statusCode).toBe(200);
    next.body.resume();
    expect(api.starts()).toBe(2);
    await api.stop();
    cloud.sageMaker.thaw();
    await untilEnded(key, id);
  }, 60_000);

  it('beyond its memory is ended by the system', async () => {
    const group = createMemoryGroup(64);
    group?.remove();
    if (group === undefined) return;
    const { fn, ...options } = cloud.optionsOf('api');
    const api = runFunction({ ...options, fn: { ...fn, memoryMib: 40 } }, 2);
    await expect(api.invoke(get('/v1/models'))).rejects.toThrow(/SIGKILL/);
    await api.stop();
  });
});

function headersOf(pairs: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, [{ key, value }]]));
}

async function noisePicture(): Promise<Buffer> {
  const pixels = { width: 1024, height: 1024, channels: 3 as const };
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
  return sharp({ create: { ...pixels, background: '#888', noise } })
    .png()
    .toBuffer();
}

/** Puts these bytes in the place of every picture of the bucket. */
async function replacePictures(bytes: Buffer): Promise<void> {
  const { s3 } = cloud.platform;
  const Bucket = cloud.resources.outputBucket;
  const { Contents: objects = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket, Prefix: 'outputs/' }),
  );
  for (const { Key } of objects.filter(({ Key = '' }) => Key.endsWith('.png'))) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'image/png' }));
  }
}
