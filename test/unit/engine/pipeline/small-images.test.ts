import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRandomRepository } from '#functions/cli/bench/random-repository.ts';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { MANIFEST_FILE, type Manifest } from '#shared/engine/package/manifest.ts';
import type { Part } from '#shared/engine/package/repository.ts';
import { torchRandn } from '#shared/engine/pipeline/noise.ts';
import { loadSessions } from '#shared/engine/pipeline/sessions.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';

/** A decoder wide enough for bands of rows, and everything else as the tiny model has it. */
const WIDE = {
  block_out_channels: [128, 128, 128],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
  layers_per_block: 1,
};

const TINY = fixture('tiny', 'repo');
const folder = temporaryFolder();
const repository = join(folder.path, 'repository');
const model = join(folder.path, 'package');
let manifest: Manifest;

beforeAll(async () => {
  const config = (part: Part): object =>
    JSON.parse(readFileSync(join(TINY, part, 'config.json'), 'utf8'));
  await writeRandomRepository(repository, TINY, {
    text_encoder: config('text_encoder'),
    text_encoder_2: config('text_encoder_2'),
    unet: config('unet'),
    vae: { ...config('vae'), ...WIDE },
  });
  manifest = await importFixture(repository, model);
});
afterAll(folder.remove);

async function decode(from: Manifest, height: number, width: number) {
  const sessions = await loadSessions(model, from, { device: 'cpu' });
  const dims = [1, 4, height, width];
  const { pixels } = await sessions.run('vae', {
    x0: { data: torchRandn(0, 4 * height * width), dims },
  });
  await sessions.close();
  return pixels;
}

/** The package as if its first graph could do no latents of fewer rows than so many. */
function withSmallBelow(rows: number): Manifest {
  const { vae } = manifest.graphs.cpu;
  const small = { file: vae.small?.file ?? '', belowRows: rows };
  const graphs = { ...manifest.graphs, cpu: { ...manifest.graphs.cpu, vae: { ...vae, small } } };
  return { ...manifest, graphs };
}

describe('a decoder that works in bands of rows', () => {
  it('has a second graph for images too low for them', () => {
    const written = JSON.parse(readFileSync(join(model, MANIFEST_FILE), 'utf8')) as Manifest;
    expect(written.graphs.cpu.vae.small).toEqual({ file: 'vae.small.onnx', belowRows: 16 });
    expect(Object.keys(written.files)).toContain('vae.small.onnx');
    expect(written.graphs.cpu.unet.small).toBeUndefined();
  });

  it('is missed from the list of files when the manifest names it', async () => {
    const { 'vae.small.onnx': _, ...files } = manifest.files;
    expect(await checkFiles(model, { ...manifest, files })).toContain(
      'vae.small.onnx is not listed in the manifest',
    );
  });

  it.each([
    [1, 1],
    [1, 9],
    [3, 2],
    [15, 4],
  ])('decodes latents of %i×%i', async (height, width) => {
    const pixels = await decode(manifest, height, width);
    expect(pixels?.dims).toEqual([1, height * 4, width * 4, 3]);
    expect(new Set(pixels?.data).size).toBeGreaterThan(10);
  });

  it.each([
    [16, 16],
    [19, 5],
    [33, 1],
  ])('draws the same with both graphs where both can, at %i×%i', async (height, width) => {
    const banded = await decode(manifest, height, width);
    const whole = await decode(withSmallBelow(100), height, width);
    expect(whole?.dims).toEqual(banded?.dims);
    const far = banded?.data.filter((value, i) => Math.abs(value - (whole?.data[i] ?? 999)) > 1);
    expect(far).toHaveLength(0);
  });

  it('says so when the second graph is missing, and goes on with the first', async () => {
    const broken = withSmallBelow(16);
    const { vae } = broken.graphs.cpu;
    const lost = { ...vae, small: { file: 'none.onnx', belowRows: 16 } };
    const graphs = { ...broken.graphs, cpu: { ...broken.graphs.cpu, vae: lost } };
    await expect(decode({ ...broken, graphs }, 2, 2)).rejects.toMatchObject({
      code: 'model-error',
      message: expect.stringContaining('none.onnx'),
    });
    expect((await decode(manifest, 16, 8))?.dims).toEqual([1, 64, 32, 3]);
  });
});

it('goes on after a large image that failed', async () => {
  const sessions = await loadSessions(model, manifest, { device: 'cpu' });
  const latents = (channels: number, side: number) => ({
    x0: { data: new Float32Array(channels * side ** 2), dims: [1, channels, side, side] },
  });
  await expect(sessions.run('vae', latents(5, 64))).rejects.toMatchObject({ code: 'model-error' });
  const { pixels } = await sessions.run('vae', latents(4, 8));
  expect(pixels?.dims).toEqual([1, 32, 32, 3]);
  await sessions.close();
});
