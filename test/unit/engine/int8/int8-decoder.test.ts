import { cpSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { importInt8, readCalibration } from '#shared/engine/int8/import-int8.ts';
import type { Int8Choice, Manifest } from '#shared/engine/package/manifest.ts';
import { editTensors, storedTypes, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { writeSmallRepository } from '#test/helpers/small-repository.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

// Each draws a few pictures.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = temporaryFolder();
afterAll(folder.remove);

/** As wide as SDXL's narrowest: int8 is for these. */
const WIDE = {
  block_out_channels: [128, 128],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  layers_per_block: 1,
};
const REPOSITORY = join(folder.path, 'repository');
beforeAll(() => writeSmallRepository(REPOSITORY, WIDE));

const VAE = 'vae/diffusion_pytorch_model.safetensors';
const BLOCK = 'decoder.up_blocks.1.resnets.0';
const LAYER = `${BLOCK}.conv1`;

let packages = 0;
function optionsOf(repository = REPOSITORY) {
  packages += 1;
  const out = join(folder.path, `package-${packages}`);
  const recipe = { ...FORMER_RECIPE };
  return { repository, out, name: 'test', recipe, processId: process.pid };
}

type ValueOf = (index: number, width: number) => number;

/** The repository with other values in some tensors of its decoder. */
function edited(changes: Readonly<Record<string, ValueOf>>): string {
  const path = mkdtempSync(join(folder.path, 'repo-'));
  cpSync(REPOSITORY, path, { recursive: true });
  editTensors(join(path, VAE), (tensors) => {
    const others = Object.entries(changes).map(([name, value]) => {
      const { shape } = tensors[name] as RawTensor;
      const [rows = 0, ...rest] = shape;
      const width = rest.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: rows * width }, (_, i) => value(i, width));
      return [name, { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) }] as const;
    });
    return { ...tensors, ...Object.fromEntries(others) };
  });
  return path;
}

describe('a wide decoder', () => {
  const options = optionsOf();
  let manifest: Manifest;
  beforeAll(async () => {
    manifest = await importInt8(options);
  });

  it('has the convolutions of its blocks in int8, and nothing twice', () => {
    const names = Object.keys(manifest.int8?.convolutions ?? {});
    expect(names).toHaveLength(12);
    expect(names).toContain(LAYER);
    const types = storedTypes(join(options.out, 'vae.safetensors'));
    for (const name of names) {
      expect(types[`${name}.weight.int8`]).toBe('I8');
      expect(types[`${name}.weight`]).toBeUndefined();
    }
    expect(types['decoder.conv_in.weight']).toBe('F32');
    expect(types['decoder.up_blocks.0.upsamplers.0.conv.weight']).toBe('F32');
  });

  it("tells how like float32's its pictures are", () => {
    expect(manifest.int8?.decoderPsnrDb).toBeGreaterThan(45);
  });

  it('is repeated from its manifest to the same digest', async () => {
    const calibration = readCalibration(options.out);
    const { digest, int8 } = await importInt8({ ...optionsOf(), calibration });
    expect(digest).toBe(manifest.digest);
    expect(int8).toEqual(manifest.int8);
  });

  it("refuses another VAE's calibration by the layer that does not fit", async () => {
    const calibration: Int8Choice = { kept: [], convolutions: { [LAYER]: 'mm' } };
    await expect(importInt8({ ...optionsOf(), calibration })).rejects.toThrow(
      `The calibration is another model's: this VAE has no layer "${LAYER}" of 2 channels.`,
    );
  });
});

describe('a decoder', () => {
  it('stays float32 where int8 hurts its pictures', async () => {
    // The first channel's weights leave the others no digits, and it is always 0.
    const isFirst: ValueOf = (i) => (i === 0 ? 0 : 1);
    const hurt = edited({
      [`${BLOCK}.norm1.weight`]: isFirst,
      [`${BLOCK}.norm1.bias`]: () => 0,
      [`${LAYER}.weight`]: (i, width) => (i % width < 9 ? 500 : Math.sin(i)),
    });
    const options = optionsOf(hurt);
    const { int8 } = await importInt8({ ...options, accept: true });
    expect(int8?.convolutions).toEqual({});
    expect(int8?.decoderPsnrDb).toBeLessThan(45);
    expect(Object.values(storedTypes(join(options.out, 'vae.safetensors')))).not.toContain('I8');
  });

  it.each([
    ['measured', undefined],
    ['told', { [LAYER]: 'm'.repeat(128) }],
  ])('with weights that are no numbers is refused when it is %s', async (_, convolutions) => {
    const damaged = edited({ [`${LAYER}.weight`]: (i) => (i === 3 ? Number.NaN : 0.1) });
    const calibration: Int8Choice = { kept: [], ...(convolutions && { convolutions }) };
    await expect(importInt8({ ...optionsOf(damaged), calibration })).rejects.toThrow(
      /conv1\.weight" of vae holds NaN or infinity/,
    );
  });
});
