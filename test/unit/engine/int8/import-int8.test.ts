import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { importInt8, readCalibration } from '#shared/engine/int8/import-int8.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import {
  editTensors,
  importFixture,
  storedTypes,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { writeSmallRepository } from '#test/helpers/small-repository.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

// Each draws a dozen pictures.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = temporaryFolder();
afterAll(folder.remove);

const SMALL = join(folder.path, 'repository');
beforeAll(() => writeSmallRepository(SMALL));

/** A copy of the small repository that a test may damage. */
function copyOfSmall(): string {
  const path = mkdtempSync(join(folder.path, 'repo-'));
  cpSync(SMALL, path, { recursive: true });
  return path;
}

const UNET = 'unet/diffusion_pytorch_model.safetensors';
const ATTENTION = 'attentions.0.transformer_blocks.0.attn1';

let packages = 0;
function optionsOf(repository = SMALL) {
  packages += 1;
  const out = join(folder.path, `package-${packages}`);
  const recipe = { ...FORMER_RECIPE };
  return { repository, out, name: 'test', recipe, processId: process.pid };
}

/** A tensor of the same size with other values. */
function changed(tensor: RawTensor, value: (index: number) => number): RawTensor {
  const count = tensor.shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: count }, (_, i) => value(i));
  return { dtype: 'F32', shape: tensor.shape, bytes: new Uint8Array(values.buffer) };
}

describe('an import to int8 that chooses', () => {
  const options = optionsOf();
  const steps: string[] = [];
  beforeAll(() => importInt8({ ...options, onStep: (what) => steps.push(what) }));

  it('stores linear layers of the UNet as int8 with scales, and nothing twice', () => {
    const types = storedTypes(join(options.out, 'unet.safetensors'));
    const layer = Object.keys(types).find((name) => name.endsWith(`${ATTENTION}.to_q.weight.int8`));
    const weight = layer?.replace('.int8', '') ?? '';
    expect(types[`${weight}.int8`]).toBe('I8');
    expect(types[`${weight}.scale`]).toBe('F32');
    expect(types[weight]).toBeUndefined();
    expect(Object.entries(types).find(([name]) => name.includes('conv1.weight'))?.[1]).toBe('F32');
    expect(types['time_embedding.linear_1.weight']).toBe('F32');
  });

  it('writes into the manifest what it kept and how alike the pictures are', () => {
    const { dtype, graphs, int8 } = readManifest(options.out);
    expect({ dtype, dialect: graphs.cpu.dialect }).toEqual({ dtype: 'int8', dialect: 'cpu-int8' });
    expect(int8?.psnrDb).toBeGreaterThan(35);
    expect(steps.at(0)).toContain('float32 package');
    expect(steps.filter((step) => step.startsWith('drawing in int8')).length % 4).toBe(0);
  });

  it('leaves nothing beside the package', () => {
    expect(readdirSync(folder.path).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('is repeated from its manifest to the same digest', async () => {
    const again = optionsOf();
    const calibration = readCalibration(join(options.out, 'manifest.json'));
    const { digest } = await importInt8({ ...again, calibration });
    expect(digest).toBe(readManifest(options.out).digest);
  });
});

describe('the calibration of a package from before', () => {
  it('leaves the decoder in float32, as it was', async () => {
    const { out } = optionsOf();
    await importFixture(SMALL, out, { dtype: 'int8' });
    const file = join(out, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    const { convolutions: _, ...int8 } = manifest.int8;
    writeFileSync(file, JSON.stringify({ ...manifest, int8 }));
    expect(readCalibration(out)).toEqual({ convolutions: {}, kept: [] });
  });
});

describe('an import to int8 whose pictures are not alike', () => {
  // No picture is: they would have to be equal.
  const barDb = 200;

  it('fails with the figure, and leaves nothing', async () => {
    const options = optionsOf();
    await expect(importInt8({ ...options, barDb })).rejects.toThrow(
      /within [\d.]+ dB of float32's, with \d+ of \d+ layers left in float32; 200 dB are wanted\. Add --accept/,
    );
    expect(existsSync(options.out)).toBe(false);
  });

  it('is taken with --accept, with the layers in float32 that suffered most', async () => {
    const repository = copyOfSmall();
    let name = '';
    editTensors(join(repository, UNET), (tensors) => {
      name = Object.keys(tensors).find((each) => each.endsWith(`${ATTENTION}.to_q.weight`)) ?? '';
      const tensor = tensors[name];
      if (tensor === undefined) throw new Error('the small UNet has attention');
      // One value in each row leaves the others no digits.
      const width = tensor.shape[1] ?? 1;
      const values = (i: number) => (i % width === 0 ? 500 : Math.sin(i) / 10);
      return { ...tensors, [name]: changed(tensor, values) };
    });
    const options = optionsOf(repository);
    const { int8 } = await importInt8({ ...options, barDb, accept: true });
    expect(int8?.kept).toContain(name.replace('.weight', ''));
    const types = storedTypes(join(options.out, 'unet.safetensors'));
    expect(types[name]).toBe('F32');
    expect(types[`${name}.int8`]).toBeUndefined();
  });
});

describe('an import to int8', () => {
  it("refuses another model's calibration by the layer that is not there", async () => {
    const calibration = { kept: ['down_blocks.9.nothing'] };
    await expect(importInt8({ ...optionsOf(), calibration })).rejects.toThrow(
      /calibration is another model's: this UNet has no layer "down_blocks\.9\.nothing"/,
    );
  });

  it('refuses weights that are no numbers', async () => {
    const repository = copyOfSmall();
    editTensors(join(repository, UNET), (tensors) => {
      const name = Object.keys(tensors).find((each) => each.endsWith('to_q.weight')) ?? '';
      const tensor = tensors[name];
      if (tensor === undefined) throw new Error('the small UNet has attention');
      return { ...tensors, [name]: changed(tensor, (i) => (i === 3 ? Number.NaN : 0.1)) };
    });
    const calibration = { kept: [] };
    await expect(importInt8({ ...optionsOf(repository), calibration })).rejects.toThrow(
      /to_q\.weight" of unet holds NaN or infinity/,
    );
  });

  it('refuses the manifest of a float32 package as a calibration', async () => {
    const { out } = optionsOf();
    await importFixture(SMALL, out);
    expect(() => readCalibration(out)).toThrow(/is not of an int8 package/);
  });
});
