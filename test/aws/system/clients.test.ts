import OpenAI from 'openai';
import Replicate from 'replicate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cloud, MODEL, PRICE, startCloud } from '../../helpers/cloud.ts';
import { type DemoPackage, importDemo } from '../../helpers/demo-package.ts';
import { expectInvariant } from '../../helpers/invariant.ts';

describe('clients through the whole path', () => {
  let demo: DemoPackage;
  let cloud: Cloud;

  beforeAll(async () => {
    demo = await importDemo();
    cloud = await startCloud({ ...demo, coldStartMs: 500 });
  }, 120_000);
  afterAll(async () => {
    await cloud?.stop();
    demo?.remove();
  });

  it('a cold endpoint says so, and the first picture comes', async () => {
    const { key, account } = await cloud.newCustomer(1_000_000);
    const replicate = new Replicate({ auth: key, baseUrl: `${cloud.url}/v1` });
    const created = await replicate.predictions.create({
      model: MODEL,
      input: { prompt: 'A photo of a dog.', seed: 7 },
    });
    expect(created).toMatchObject({ status: 'starting', phase: 'provisioning' });
    expect((created as unknown as { eta_seconds: number }).eta_seconds).toBeGreaterThan(10);
    const done = await replicate.wait(created, { interval: 200 });
    expect(done.status).toBe('succeeded');
    const picture = await fetch(String(done.output?.[0]));
    expect(picture.headers.get('content-type')).toBe('image/png');
    const bytes = Buffer.from(await picture.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect((done as unknown as { cost: number }).cost).toBe(PRICE);
    const money = await cloud.system.ledger.getAccount(account);
    expect(money).toMatchObject({ balance: 1_000_000 - PRICE, held: 0 });
    await expectInvariant(cloud.system.ledger);
  }, 60_000);

  it('replicate.run and openai.images.generate give the same bytes for the same seed', async () => {
    const { key } = await cloud.newCustomer(1_000_000);
    const replicate = new Replicate({ auth: key, baseUrl: `${cloud.url}/v1` });
    const input = { prompt: 'a red ball', seed: 3, width: 256, height: 256 };
    const [url] = (await replicate.run(MODEL, { input })) as string[];
    const first = Buffer.from(await (await fetch(String(url))).arrayBuffer());
    const openai = new OpenAI({ apiKey: key, baseURL: `${cloud.url}/v1` });
    const answer = await openai.images.generate({
      model: MODEL,
      prompt: 'a red ball',
      size: '256x256',
      response_format: 'b64_json',
      seed: 3,
    } as never);
    const second = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64');
    expect(second.length).toBeGreaterThan(1_000);
    expect(second.equals(first)).toBe(true);
  }, 60_000);
});
