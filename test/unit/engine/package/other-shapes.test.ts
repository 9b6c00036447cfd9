import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ImportOptions } from '#shared/engine/package/import-model.ts';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError, shareWithinOne } from '#test/helpers/run-stages.ts';

const STAGE_BAR = 1e-4;
const PIXEL_BAR = 0.999;
const FP16_BAR_DB = 45;
const SCALE = 0.7;

/**
 * Repositories unlike SDXL in shape, each with a folder that `test/references/make_references.py` filled. More
 * than the fixtures by `REFERENCES=REPOSITORY:FOLDER,…`.
 */
const REFERENCES = [
  [fixture('odd', 'repo'), fixture('odd')],
  ...(process.env['REFERENCES'] ?? '')
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(':')),
] as [repository: string, folder: string][];

const work = temporaryFolder();
afterAll(work.remove);
let packages = 0;

async function draw(repository: string, options: Partial<ImportOptions>, facts: Facts) {
  const out = join(work.path, `${packages++}`);
  await importFixture(repository, out, options);
  const pipeline = await loadPipeline(out, { device: 'cpu', spin: false });
  try {
    const { prompt = '', seed, width, height } = facts;
    const size = { width: Number(width), height: Number(height) };
    const request = { prompt, seed: Number(seed), ...size, numOutputs: 1 };
    for await (const picture of pipeline.generate(request)) return picture;
    throw new Error('no picture');
  } finally {
    await pipeline.close();
  }
}

type Facts = Readonly<Record<string, string>>;

async function compare(repository: string, record: string, options: Partial<ImportOptions>) {
  const { tensors, metadata } = readSafetensors(record);
  const expected = (name: string) => tensors[name]?.values ?? [];
  const { stages, pixels } = await draw(repository, options, metadata);
  expect(stages.timestep.data[0]).toBe(expected('timestep')[0]);
  for (const stage of ['latents_in', 'unet_in', 'vae_in'] as const) {
    expect(relativeError(stages[stage].data, expected(stage)), stage).toBeLessThan(STAGE_BAR);
  }
  expect(shareWithinOne(pixels, expected('pixels'))).toBeGreaterThan(PIXEL_BAR);
  const half = await draw(repository, { ...options, dtype: 'fp16' }, metadata);
  expect(peakSignalToNoise(half.pixels, expected('pixels'))).toBeGreaterThan(FP16_BAR_DB);
}

const recipeOf = (kind: string) =>
  kind === 'vpred'
    ? ({ name: 'custom', scheduler: 'lcm', timestep: 399, prediction: 'v_prediction' } as const)
    : recipeNamed(kind);

describe.each(REFERENCES)('%s draws what diffusers does', (repository, folder) => {
  const kinds = readdirSync(join(folder, 'kinds')).map((file) => basename(file, '.safetensors'));
  const extra = (name: string) => join(folder, 'extras', name);
  const disback = recipeNamed('disback');

  it.each(kinds)('by the recipe of %s', async (kind) => {
    const record = join(folder, 'kinds', `${kind}.safetensors`);
    await compare(repository, record, { recipe: recipeOf(kind) });
  });

  it.each(['lora-kohya', 'lora-diffusers', 'lora-peft'])('with %s', async (name) => {
    const loras = [{ file: extra(`${name}.safetensors`), scale: SCALE }];
    await compare(repository, extra('lora.safetensors'), { recipe: disback, loras });
  });

  it('with one by the names of the first code, and for both text encoders', async () => {
    const loras = [{ file: extra('lora-kohya-sgm.safetensors'), scale: SCALE }];
    await compare(repository, extra('lora-sgm.safetensors'), { recipe: disback, loras });
  });

  it('with a small decoder', async () => {
    const vae = extra('tiny');
    await compare(repository, extra('tiny-decoder.safetensors'), { recipe: disback, vae });
  });
});
