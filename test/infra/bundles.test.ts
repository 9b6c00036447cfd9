import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type BundleName, bundleFunction, edgeDefine } from '#infra/bundles.ts';

const KIB = 1024;
const SETTINGS = edgeDefine({ MAC_SECRET_ARN: 'mac', MAC_SECRET_REGION: 'us-east-1' });

async function bundle(name: BundleName) {
  const { folder, sizeBytes } = await bundleFunction(name, name === 'edge' ? SETTINGS : {});
  return { text: readFileSync(join(folder, 'index.mjs')), sizeBytes };
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
