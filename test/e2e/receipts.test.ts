import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify as verifyCommand } from '#functions/cli/commands/verify.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import { PROCESSED } from '#test/helpers/processed-image.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { runCommand } from '#test/helpers/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'onestep-receipts-'));
const keys = join(folder, 'onestep.json');
let server: RealServer;

beforeAll(async () => {
  server = await startRealServer();
  const answer = await fetch(`${server.url}/.well-known/onestep.json`);
  writeFileSync(keys, await answer.text());
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** The receipt and its signature as they stand in an image's XMP. */
async function readXmp(url: string) {
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
  const xmp = (await sharp(bytes).metadata()).xmp?.toString('utf8') ?? '';
  const part = (name: string) =>
    (new RegExp(`<onestep:${name}>([^]*?)</onestep:${name}>`).exec(xmp)?.[1] ?? '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  return { bytes, receipt: part('receipt'), signature: part('signature') };
}

describe('receipts', () => {
  it('make the same image again', async () => {
    const first = await server.order('/v1/predictions', {
      input: { prompt: 'a <red> & blue circle', num_outputs: 2 },
      metadata: { project: 'x' },
    });
    const again = await server.order(`/v1/predictions/${first.id}/replay`, {});
    expect(again.id).not.toBe(first.id);
    expect(again).toMatchObject({
      status: 'succeeded',
      seed: first.seed,
      metadata: { project: 'x' },
    });
    const hashes = (prediction: typeof first) =>
      prediction.receipt.images.map(
        (image: { pixels_sha256: string; delivered_sha256: string; signature: string }) => [
          image.pixels_sha256,
          image.delivered_sha256,
          image.signature,
        ],
      );
    expect(hashes(again)).toEqual(hashes(first));
    const [one, two] = await Promise.all([readXmp(first.output[0]), readXmp(again.output[0])]);
    expect(two.receipt).toBe(one.receipt);
    expect(two.signature).toBe(one.signature);
    const pixels = (file: Buffer) => sharp(file).raw().toBuffer();
    expect((await pixels(one.bytes)).equals(await pixels(two.bytes))).toBe(true);
  });

  it.each(['png', 'jpeg', 'webp'])('inside a %s are known by their signature', async (format) => {
    const { output, receipt, id } = await server.order('/v1/predictions', {
      input: { prompt: 'a "tree" & <sky>', output_format: format, output_quality: 70 },
    });
    const inside = await readXmp(output[0]);
    const [image] = receipt.images;
    expect(inside.signature).toBe(image.signature);
    expect(inside.receipt).not.toContain(id);
    const verify = (change: object) =>
      server.call('POST', '/v1/images/verify', {
        receipt: inside.receipt,
        signature: inside.signature,
        pixels_sha256: image.pixels_sha256,
        ...change,
      });
    expect(await verify({})).toMatchObject({ made_here: true, seed: image.seed });
    expect(await verify({ receipt: JSON.parse(inside.receipt) })).toMatchObject({
      made_here: true,
    });
    expect(await verify({ receipt, signature: undefined })).toMatchObject({ made_here: true });
    expect(await verify({ pixels_sha256: '0'.repeat(64) })).toMatchObject({
      made_here: false,
      reason: 'other-pixels',
    });
    expect(await verify({ signature: undefined })).toMatchObject({ reason: 'unsigned' });
    expect(
      await verify({ receipt: { ...JSON.parse(inside.receipt), prompt: 'a forgery' } }),
    ).toMatchObject({ made_here: false, reason: 'unknown-signature' });
  });
});

/** A file's verdict: the server's, and the command line's, which knows the public keys alone. */
async function verdictOf(file: Uint8Array, format: string) {
  const answer = await fetch(`${server.url}/v1/images/verify`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.keys.key}`,
      'content-type': `image/${format}`,
    },
    body: Uint8Array.from(file),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer as a client without types sees it.
  const judged = (await answer.json()) as any;
  const path = join(folder, `picture.${format}`);
  writeFileSync(path, file);
  const words = [path, '--keys', keys, '--json'];
  const { watermark, ...offline } = JSON.parse(await runCommand('verify', verifyCommand, words));
  expect(judged).toMatchObject(offline);
  expect(watermark?.ours).toBe(judged.watermark?.ours);
  return judged;
}

const VERDICTS = {
  signed: {
    made_here: true,
    reason: null,
    manifest: { whole: true, trusted: false, signer: 'Onestep', problems: [], machine_made: true },
    watermark: { ours: true, fits_receipt: true },
  },
  'signed-changed': {
    manifest: {
      whole: false,
      problems: expect.arrayContaining(['assertion.dataHash.mismatch']),
    },
  },
  receipt: { made_here: true, manifest: null },
  watermark: {
    made_here: false,
    manifest: null,
    watermark: { ours: true, fits_receipt: null },
  },
  nothing: { made_here: false, manifest: null, watermark: null },
};

describe('a picture that is checked', () => {
  it.each(IMAGE_FORMATS)('as %s gets each of the five verdicts', async (format) => {
    const { output } = await server.order('/v1/predictions', {
      input: { prompt: 'a house', seed: 1, size: '384x256', output_format: format },
    });
    const { bytes } = await readXmp(output[0]);
    for (const [verdict, facts] of Object.entries(VERDICTS)) {
      const file = await PROCESSED[verdict as keyof typeof PROCESSED](bytes, format);
      expect(await verdictOf(file, format)).toMatchObject({ verdict, ...facts });
    }
  });

  it('is refused where it is none', async () => {
    const answer = await fetch(`${server.url}/v1/images/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.keys.key}`, 'content-type': 'image/png' },
      body: 'no picture',
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_file' } });
  });

  it('is marked in base64, too', async () => {
    const answer = await server.call('POST', '/v1/images/generations', {
      prompt: 'a house',
      response_format: 'b64_json',
    });
    const file = Buffer.from(answer.data[0].b64_json, 'base64');
    expect(await verdictOf(file, 'png')).toMatchObject({ verdict: 'signed', made_here: true });
  });
});

describe('before and after an order', () => {
  it('an estimate says what the order then costs', async () => {
    const input = { prompt: 'a house', num_outputs: 3, size: '320x288' };
    const estimate = await server.call('POST', '/v1/estimate', { input });
    expect(estimate).toMatchObject({ images: 3, width: 320, height: 288, affordable: true });
    expect(estimate.eta_seconds).toBeGreaterThan(0);
    const prediction = await server.order('/v1/predictions', { input });
    expect(prediction.cost).toBe(estimate.price);
    expect(prediction.price_version).toBe(estimate.price_version);
    const refused = await server.call('POST', '/v1/estimate', { input: { prompt: 'x', seeed: 1 } });
    expect(refused).toMatchObject({ status: 422, error: { param: 'input.seeed' } });
  });

  it('Prometheus sees queue, stages, money and requests', async () => {
    await server.order('/v1/predictions', { input: { prompt: 'a boat' } });
    const scrape = (key: string) =>
      fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
    expect((await scrape(server.keys.key)).status).toBe(403);
    const answer = await scrape(server.keys.adminKey);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    const figure = (name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length + 1),
      );
    expect(figure('onestep_queue_depth')).toBe(0);
    expect(
      figure('onestep_jobs_total{model="onestep/demo",dialect="replicate",status="succeeded"}'),
    ).toBeGreaterThan(0);
    const sums = ['balances', 'held', 'granted', 'captured', 'expired'].map((sum) =>
      figure(`onestep_money_micro_usd{sum="${sum}"}`),
    );
    const [balances = 0, held = 0, granted = 0, captured = 0, expired = 0] = sums;
    expect(captured).toBeGreaterThan(0);
    expect(balances + held).toBe(granted - captured - expired);
    expect(text).toContain('onestep_stage_seconds_count{model="onestep/demo",stage="unet"}');
    expect(text).toContain('route="/v1/predictions"');
  });
});
