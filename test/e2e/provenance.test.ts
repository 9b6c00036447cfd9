import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';

const run = promisify(execFile);
const LAUNCH = join(import.meta.dirname, '../../functions/cli/launch.mjs');

const folder = mkdtempSync(join(tmpdir(), 'onestep-provenance-'));
const keys = join(folder, 'onestep.json');
let server: RealServer;

beforeAll(async () => {
  server = await startRealServer();
  const answer = await fetch(`${server.url}/.well-known/onestep.json`);
  expect(answer.status).toBe(200);
  writeFileSync(keys, await answer.text());
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A picture of 512 pixels to a side, as a client gets it. */
async function make(format: string): Promise<Buffer> {
  const answer = await fetch(`${server.url}/v1/predictions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.keys.key}`,
      'content-type': 'application/json',
      prefer: 'wait',
    },
    body: JSON.stringify({
      input: { prompt: 'a house', seed: 1, size: '384x256', output_format: format },
    }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a prediction as a client without types sees it.
  const done = (await answer.json()) as any;
  return Buffer.from(await (await fetch(done.output[0])).arrayBuffer());
}

/** What the server and the command line say; they have to agree but for what needs the secret. */
async function verdictOf(file: Uint8Array, format: string) {
  const answer = await fetch(`${server.url}/v1/images/verify`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.keys.key}`,
      'content-type': `image/${format}`,
    },
    body: Uint8Array.from(file),
  });
  expect(answer.status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: an answer as a client without types sees it.
  const judged = (await answer.json()) as any;
  const path = join(folder, `picture.${format}`);
  writeFileSync(path, file);
  const { stdout } = await run('node', [LAUNCH, 'verify', path, '--keys', keys, '--json']);
  const offline = JSON.parse(stdout);
  expect(offline.verdict).toBe(judged.verdict);
  expect(offline.made_here).toBe(judged.made_here);
  expect(offline.manifest).toEqual(judged.manifest);
  return judged;
}

/** The same pixels in a file that says nothing. */
const stripped = (file: Uint8Array, format: 'png' | 'jpeg' | 'webp') =>
  sharp(file).toFormat(format, { quality: 75 }).toBuffer();

describe.each(['png', 'jpeg', 'webp'] as const)('a picture as %s', (format) => {
  it('is signed and whole, and a changed byte is found', async () => {
    const file = await make(format);
    const whole = await verdictOf(file, format);
    expect(whole).toMatchObject({
      verdict: 'signed',
      made_here: true,
      reason: null,
      seed: 1,
      manifest: {
        whole: true,
        trusted: false,
        signer: 'Onestep',
        problems: [],
        machine_made: true,
      },
      watermark: { ours: true, fits_receipt: true },
    });
    const text = Buffer.from(file);
    const at = text.indexOf('Iptc4xmpExt:DigitalSourceType>');
    expect(at).toBeGreaterThan(0);
    text[at] = 'J'.charCodeAt(0);
    const found = await verdictOf(text, format);
    expect(found.verdict).toBe('signed-changed');
    expect(found.manifest.problems).toContain('assertion.dataHash.mismatch');
  });

  it('is known by its receipt where the signature was taken off', async () => {
    const file = await make(format);
    const kept = await sharp(file).keepXmp().toFormat(format, { quality: 75 }).toBuffer();
    expect(await verdictOf(kept, format)).toMatchObject({
      verdict: 'receipt',
      made_here: true,
      manifest: null,
    });
  });

  it('is known by its watermark where everything was taken off', async () => {
    const file = await make(format);
    expect(await verdictOf(await stripped(file, format), format)).toMatchObject({
      verdict: 'watermark',
      made_here: false,
      manifest: null,
      watermark: { ours: true, fits_receipt: null },
    });
  });

  it('is nothing where it never came from here', async () => {
    const other = await sharp({
      create: {
        width: 512,
        height: 512,
        channels: 3,
        background: '#48a',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .toFormat(format)
      .toBuffer();
    expect(await verdictOf(other, format)).toMatchObject({ verdict: 'nothing', watermark: null });
  });
});

it('tells what it can’t read', async () => {
  const answer = await fetch(`${server.url}/v1/images/verify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.keys.key}`, 'content-type': 'image/png' },
    body: 'no picture',
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: 'invalid_file' } });
});

it('fails an order that can’t be signed, and charges nothing', async () => {
  const unsigned = await startRealServer({
    // Nothing listens there.
    c2pa: { timeStampUrl: 'http://127.0.0.1:9/' } as never,
  });
  try {
    const before = await unsigned.call('GET', '/v1/account');
    const { id } = await unsigned.call('POST', '/v1/predictions', { input: { prompt: 'a house' } });
    const ended = async () => {
      const { status, output } = await unsigned.call('GET', `/v1/predictions/${id}`);
      return { status, output };
    };
    await expect.poll(ended, { timeout: 60_000 }).toEqual({ status: 'failed', output: null });
    const after = await unsigned.call('GET', '/v1/account');
    expect([after.balance, after.held]).toEqual([before.balance, 0]);
  } finally {
    await unsigned.close();
  }
});
