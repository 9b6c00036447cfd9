import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { MANIFEST_FILE, type Manifest } from '#shared/engine/package/manifest.ts';
import { torchRandn } from '#shared/engine/pipeline/noise.ts';
import { loadSessions, type ModelSessions } from '#shared/engine/pipeline/sessions.ts';
import { importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { writeSmallRepository } from '#test/helpers/small-repository.ts';

/** A decoder wide enough for bands of rows. */
const WIDE = {
  block_out_channels: [128, 128, 128],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
  layers_per_block: 1,
};

const folder = temporaryFolder();
const repository = join(folder.path, 'repository');
const model = join(folder.path, 'package');
let manifest: Manifest;
/** What decodes most of the latents. */
let opened: ModelSessions;

beforeAll(async () => {
  await writeSmallRepository(repository, WIDE);
  manifest = await importFixture(repository, model);
  opened = await open(manifest);
});
afterAll(async () => {
  await opened.close();
  folder.remove();
});

const open = (from: Manifest) => loadSessions(model, from, { device: 'cpu', spin: false });

async function decode(sessions: ModelSessions, height: number, width: number) {
  const dims = [1, 4, height, width];
  const { pixels } = await sessions.run('vae', {
    x0: { data: torchRandn(0, 4 * height * width), dims },
  });
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
    const pixels = await decode(opened, height, width);
    expect(pixels?.dims).toEqual([1, height * 4, width * 4, 3]);
    expect(new Set(pixels?.data).size).toBeGreaterThan(10);
  });

  describe('whose first graph does no latents below 100 rows', () => {
    let small: ModelSessions;
    beforeAll(async () => {
      small = await open(withSmallBelow(100));
    });
    afterAll(() => small.close());

    it.each([
      [16, 16],
      [19, 5],
      [33, 1],
    ])('draws the same with the second, at %i×%i', async (height, width) => {
      const banded = await decode(opened, height, width);
      const whole = await decode(small, height, width);
      expect(whole?.dims).toEqual(banded?.dims);
      const far = banded?.data.filter((value, i) => Math.abs(value - (whole?.data[i] ?? 999)) > 1);
      expect(far).toHaveLength(0);
    });
  });

  it('says so when the second graph is missing, and goes on with the first', async () => {
    const broken = withSmallBelow(16);
    const { vae } = broken.graphs.cpu;
    const lost = { ...vae, small: { file: 'none.onnx', belowRows: 16 } };
    const graphs = { ...broken.graphs, cpu: { ...broken.graphs.cpu, vae: lost } };
    const sessions = await open({ ...broken, graphs });
    await expect(decode(sessions, 2, 2)).rejects.toMatchObject({
      code: 'model-error',
      message: expect.stringContaining('none.onnx'),
    });
    expect((await decode(sessions, 16, 8))?.dims).toEqual([1, 64, 32, 3]);
    await sessions.close();
  });
});

it('goes on after a large image that failed', async () => {
  const sessions = await open(manifest);
  const latents = (channels: number, side: number) => ({
    x0: { data: new Float32Array(channels * side ** 2), dims: [1, channels, side, side] },
  });
  await expect(sessions.run('vae', latents(5, 64))).rejects.toMatchObject({ code: 'model-error' });
  const { pixels } = await sessions.run('vae', latents(4, 8));
  expect(pixels?.dims).toEqual([1, 32, 32, 3]);
  await sessions.close();
});
