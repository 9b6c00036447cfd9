import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type BundleName, bundleFunction, edgeDefine } from '#infra/bundles.ts';
import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { encodeImage } from '#shared/engine/pipeline/encode-image.ts';
import { createMarking } from '#shared/provenance/marking.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';

const KIB = 1024;
const SETTINGS = edgeDefine({ MAC_SECRET_ARN: 'mac', MAC_SECRET_REGION: 'us-east-1' });

async function bundle(name: BundleName) {
  const { folder, sizeBytes } = await bundleFunction(name, name === 'edge' ? SETTINGS : {});
  return { text: readFileSync(join(folder, 'index.mjs')), sizeBytes };
}

const RUN_ALONE = `
import { readFileSync } from 'node:fs';
import { handler } from './index.mjs';
const answers = [];
for (const event of JSON.parse(readFileSync('events.json', 'utf8'))) answers.push(await handler(event));
console.log(JSON.stringify(answers));
`;

/** A picture with every mark, as the product makes one. */
async function markedPicture(format: ImageFormat): Promise<Uint8Array> {
  const side = 256;
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => 90 + ((i * i) % 80));
  const picture = { seed: 1, width: side, height: side, pixels };
  const model = { name: 'demo', digest: 'ab'.repeat(32), recipe: FORMER_RECIPE };
  const marking = await createMarking(new Uint8Array(32));
  const options = { format, quality: 90, prompt: 'a house', model, marking };
  return (await encodeImage(picture, options)).bytes;
}

describe('bundles of the Lambda functions', () => {
  it('the edge is at most 200 KiB as gzip', async () => {
    const { text } = await bundle('edge');
    expect(gzipSync(text).length).toBeLessThanOrEqual(200 * KIB);
  });

  it('the API is at most 3 MiB', async () => {
    expect((await bundle('api')).sizeBytes).toBeLessThanOrEqual(3 * KIB * KIB);
  });

  it.each(['dispatch', 'complete', 'webhooks', 'sweep'] as const)(
    '%s is at most 2 MiB',
    async (name) => {
      expect((await bundle(name)).sizeBytes).toBeLessThanOrEqual(2 * KIB * KIB);
    },
  );

  it('the reader of images runs alone, and finds what it finds here', async () => {
    const { folder } = await bundleFunction('inspect');
    const alone = mkdtempSync(join(tmpdir(), 'onestep-inspect-'));
    cpSync(folder, alone, { recursive: true });
    const files = await Promise.all(IMAGE_FORMATS.map(markedPicture));
    const events = files.map((file) => ({ file: Buffer.from(file).toString('base64') }));
    writeFileSync(join(alone, 'events.json'), JSON.stringify([...events, { file: 'AAAA' }]));
    writeFileSync(join(alone, 'run.mjs'), RUN_ALONE);
    const { stdout } = await promisify(execFile)(process.execPath, ['run.mjs'], { cwd: alone });
    rmSync(alone, { recursive: true });
    const facts = await Promise.all(files.map((file) => inspectImage(file)));
    expect(facts.map(({ manifest, watermark }) => [manifest?.whole, watermark])).toEqual(
      IMAGE_FORMATS.map(() => [true, expect.stringMatching(/^[0-9a-f]{12}$/)]),
    );
    expect(JSON.parse(stdout)).toEqual([
      ...facts.map((one) => ({ facts: one })),
      { code: 'invalid-file', message: expect.any(String) },
    ]);
  });

  it('Stripe is in the API where it is configured, and nowhere else', async () => {
    const marks = /api\.stripe\.com/;
    const off = await bundle('api');
    expect(off.text.toString()).not.toMatch(marks);
    const { folder, sizeBytes } = await bundleFunction('api', {}, false, true);
    expect(readFileSync(join(folder, 'index.mjs'), 'utf8')).toMatch(marks);
    expect(sizeBytes).toBeLessThanOrEqual(5 * KIB * KIB);
  });

  it.each(['edge', 'api', 'dispatch', 'complete', 'webhooks', 'sweep'] as const)(
    'nothing of the engine or of a laptop is in %s',
    async (name) => {
      const text = (await bundle(name)).text.toString();
      for (const stranger of ['onnxruntime', 'libsql', 'sharp-libvips', 'better-sqlite']) {
        expect(text.includes(stranger), stranger).toBe(false);
      }
    },
  );
});
