import { createHash } from 'node:crypto';
import Replicate from 'replicate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeAiSdk } from '#test/clients/ai-sdk.ts';
import { describeFalClient } from '#test/clients/fal.ts';
import { describeMcpClient } from '#test/clients/mcp.ts';
import { describeOpenAiClient } from '#test/clients/openai.ts';
import { describeReplicateClient } from '#test/clients/replicate.ts';
import { asServed, type Cloud, MODEL, PRICE, startCloud } from '#test/helpers/cloud.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { ungranted } from '#test/helpers/granted.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { synthesise } from '#test/helpers/synthesise.ts';

let demo: DemoPackage;
let cloud: Cloud;

beforeAll(async () => {
  demo = await importDemo();
  cloud = await startCloud(demo);
}, 120_000);
afterAll(async () => {
  if (cloud !== undefined) {
    await expectInvariant(cloud.system.ledger);
    expect(ungranted(synthesise(), cloud.calls())).toEqual([]);
  }
  await cloud?.stop();
  demo?.remove();
});
const start = async () => asServed(cloud);

describe('a cold endpoint', () => {
  it('says so with the time to wait, and the first picture comes', async () => {
    const { key, account } = await cloud.newCustomer(1_000_000);
    await cloud.sageMaker.freeze();
    const replicate = new Replicate({ auth: key, baseUrl: `${cloud.url}/v1` });
    const created = await replicate.predictions.create({
      model: MODEL,
      input: { prompt: 'A photo of a dog.', seed: 7 },
    });
    expect(created).toMatchObject({ status: 'starting', phase: 'provisioning' });
    const { eta_seconds: etaSeconds } = created as unknown as { eta_seconds: number };
    expect(etaSeconds).toBeGreaterThan(10);
    cloud.sageMaker.thaw();
    const done = await replicate.wait(created, { interval: 200 });
    expect(done).toMatchObject({ status: 'succeeded', cost: PRICE });
    const picture = await fetch(String(done.output?.[0]));
    expect(picture.headers.get('content-type')).toBe('image/png');
    const money = await cloud.system.ledger.getAccount(account);
    expect(money).toMatchObject({ balance: 1_000_000 - PRICE, held: 0 });
  });
});

describe('an answer above the 6 MB of buffered ones', () => {
  it('arrives whole', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    const pixels = { width: 1024, height: 1024, channels: 3 as const };
    const noise = await sharp({
      create: { ...pixels, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
    })
      .png()
      .toBuffer();
    // The demo model makes smaller pictures: what lies in the bucket is what is sent.
    cloud.replaceOutputs(noise);
    const answer = await fetch(`${cloud.url}/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'noise', n: 4, response_format: 'b64_json' }),
    });
    const text = await answer.text();
    expect(answer.status, text.slice(0, 300)).toBe(200);
    expect(text.length).toBeGreaterThan(6 * 1024 * 1024);
    const { data } = JSON.parse(text) as { data: { b64_json: string }[] };
    expect(data.map(({ b64_json }) => Buffer.from(b64_json, 'base64').equals(noise))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    cloud.replaceOutputs(undefined);
  });
});

describe('an image that is verified', () => {
  const verify = async (key: string, body: Buffer, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${cloud.url}/v1/images/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'image/png', ...headers },
      body: Uint8Array.from(body),
    });
    return { status: answer.status, ...((await answer.json()) as object) };
  };

  it('is signed and ours, a large one by its digest, or none', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    const replicate = new Replicate({ auth: key, baseUrl: `${cloud.url}/v1` });
    const [url] = (await replicate.run(MODEL, {
      input: { prompt: 'a house' },
    })) as unknown as URL[];
    const made = Buffer.from(await (await fetch(String(url))).arrayBuffer());
    expect(await verify(key, made)).toMatchObject({
      status: 200,
      verdict: 'signed',
      made_here: true,
      watermark: { ours: true, fits_receipt: true },
    });
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
    const size = { width: 1024, height: 1024, channels: 3 } as const;
    const large = await sharp({ create: { ...size, background: '#888', noise } })
      .png()
      .toBuffer();
    expect(await verify(key, large)).toMatchObject({ status: 413 });
    const digest = createHash('sha256').update(large).digest('hex');
    expect(await verify(key, large, { 'x-amz-content-sha256': digest })).toMatchObject({
      status: 200,
      verdict: 'nothing',
    });
    expect(await verify(key, Buffer.from('no picture'))).toMatchObject({
      status: 400,
      error: { code: 'invalid_file' },
    });
  });
});

describeReplicateClient('AWS', start);
describeOpenAiClient('AWS', start);
describeAiSdk('AWS', start);
describeFalClient('AWS', start);
describeMcpClient('AWS', start);
