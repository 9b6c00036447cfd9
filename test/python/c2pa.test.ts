import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import type { PemIdentity } from '#shared/provenance/c2pa/claim-signer.ts';
import { createSelfMadeIdentity } from '#shared/provenance/c2pa/self-made-identity.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import { createMarking } from '#shared/provenance/marking.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { type GpuProcess, startGpuProcess } from '#test/helpers/gpu-process.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { startTimeStampAuthority } from '#test/helpers/time-stamp-authority.ts';

const run = promisify(execFile);
const READER = join(import.meta.dirname, 'c2pa', 'read_c2pa.py');

const folder = mkdtempSync(join(tmpdir(), 'onestep-c2pa-'));
const file = (name: string): string => join(folder, name);
/** The certificate of an authority that readers are told to trust. */
const authority = file('authority.pem');
const identity = { key: file('key.pem'), chain: file('chain.pem') };

let server: RealServer;
let demo: DemoPackage;
let gpu: GpuProcess;

beforeAll(async () => {
  const { key, chain } = await createSelfMadeIdentity(new Uint8Array(32).fill(3), new Date());
  writeFileSync(identity.key, key);
  writeFileSync(identity.chain, chain);
  writeFileSync(authority, chain.slice(chain.lastIndexOf('-----BEGIN')));
  demo = await importDemo();
  server = await startRealServer({ c2pa: identity as never });
  gpu = await startGpuProcess({
    MODEL_FOLDERS: demo.folder,
    DATA_FOLDER: folder,
    C2PA_KEY_FILE: identity.key,
    C2PA_CHAIN_FILE: identity.chain,
  });
  await gpu.ready();
});
afterAll(async () => {
  await server.close();
  await gpu.close();
  demo.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function read(image: Uint8Array, format: ImageFormat, anchors?: string) {
  const path = file(`image.${format}`);
  writeFileSync(path, image);
  const words = [
    '-I',
    READER,
    path,
    `image/${format}`,
    ...(anchors === undefined ? [] : [anchors]),
  ];
  const { stdout, stderr } = await run(inject('python'), words);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** The certificates of several authorities in one file. */
function together(...paths: string[]): string {
  const anchors = file('anchors.pem');
  writeFileSync(anchors, paths.map((path) => readFileSync(path, 'utf8')).join('\n'));
  return anchors;
}

const MAKERS: Record<string, (format: ImageFormat) => Promise<Uint8Array>> = {
  async 'the embedded server'(format) {
    const { output } = await server.order('/v1/predictions', {
      input: { prompt: 'a house', output_format: format },
    });
    return Buffer.from(await (await fetch(output[0])).arrayBuffer());
  },
  async 'an answer in base64'(format) {
    const { data } = await server.order('/v1/images/generations', {
      prompt: 'a house',
      output_format: format,
      response_format: 'b64_json',
    });
    return Buffer.from(data[0].b64_json, 'base64');
  },
  async generate(format) {
    const out = file(`generated.${format}`);
    const words = ['generate', 'a house', '--model', demo.folder, '--data', folder, '--out', out];
    const env = { ...process.env, ONESTEP_C2PA: JSON.stringify(identity) };
    await run(process.execPath, [fromRoot('functions/cli/launch.mjs'), ...words], { env });
    return readFileSync(out);
  },
  async 'the GPU function'(format) {
    const { status } = await gpu.invoke({
      job: `job-${format}`,
      model: { name: demo.manifest.name },
      prompt: 'a house',
      seed: 1,
      width: 256,
      height: 256,
      num_outputs: 1,
      output_format: format,
      output_quality: 90,
      store: { kind: 'file', prefix: 'made' },
      deadline: Date.now() + 60_000,
    });
    expect(status).toBe(200);
    return readFileSync(file(`made/0.${format}`));
  },
};

describe.each(Object.keys(MAKERS))('%s', (maker) => {
  it.each(IMAGE_FORMATS)('signs a %s that c2pa-python takes', async (format) => {
    const image = (await MAKERS[maker]?.(format)) ?? new Uint8Array();
    const found = await read(image, format);
    // Other programs open the file, and find nothing strange in it.
    const words = [file(`image.${format}`), '-depth', '8', 'rgb:-'];
    const options = { encoding: 'buffer', maxBuffer: 2 ** 26 } as const;
    const { stdout, stderr } = await run('convert', words, options);
    const warnings = stderr.toString().split('\n').filter(Boolean);
    // Version 6 says so of the XMP in any WebP.
    expect(warnings.filter((line) => !/CorruptImageProfile .*\(XMP\)/.test(line))).toEqual([]);
    const pixels = await sharp(image).raw().toBuffer();
    expect(stdout.length).toBe(pixels.length);
    if (format === 'png') expect(stdout.equals(pixels)).toBe(true);
    expect(found).toMatchObject({
      state: 'Valid',
      failures: ['signingCredential.untrusted'],
      generator: { name: 'Onestep', version: ENGINE_VERSION },
      actions: [
        {
          action: 'c2pa.created',
          digitalSourceType: expect.stringContaining('/trainedAlgorithmicMedia'),
          softwareAgent: { name: 'Onestep', version: ENGINE_VERSION },
          parameters: { 'dev.onestep.model': expect.stringMatching(/./) },
        },
      ],
    });
    expect(found.successes).toContain('claimSignature.validated');
    expect(found.successes).toContain('assertion.dataHash.match');

    expect(await read(image, format, authority)).toMatchObject({ state: 'Trusted', failures: [] });

    const changed = Buffer.from(image);
    const at = changed.indexOf('Iptc4xmpExt:DigitalSourceType>');
    changed[at] = 'J'.charCodeAt(0);
    expect(await read(changed, format, authority)).toMatchObject({
      state: 'Invalid',
      failures: ['assertion.dataHash.mismatch'],
    });
  });
});

it('brings the time stamp of an authority', async () => {
  const stamps = await startTimeStampAuthority(folder);
  const settings = { identity: readIdentity(), timeStampUrl: stamps.url };
  const { signer } = await createMarking(new Uint8Array(32), settings);
  const blank = { width: 64, height: 64, channels: 3, background: 'red' } as const;
  const claim = { version: ENGINE_VERSION, model: { name: 'demo', digest: '0' } };
  const plain = await sharp({ create: blank }).png().toBuffer();
  const image = await signImage(plain, 'png', claim, signer);
  stamps.close();
  const found = await read(image, 'png', together(authority, stamps.authority));
  expect(found).toMatchObject({ state: 'Trusted', failures: [] });
  expect(Math.abs(Date.parse(found.time) - Date.now())).toBeLessThan(60_000);
  expect(found.successes).toContain('timeStamp.trusted');
});

function readIdentity(): PemIdentity {
  return { key: readFileSync(identity.key, 'utf8'), chain: readFileSync(identity.chain, 'utf8') };
}
