import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';
import { loadSessions, type ModelSessions } from '#shared/engine/pipeline/sessions.ts';
import type { FixtureTensor } from './read-safetensors.ts';

type Stages = Readonly<Record<string, FixtureTensor>>;

/** Runs a package's three graphs one after the other on the inputs of recorded stages. */
export async function runStages(folder: string, stages: Stages) {
  const [outputs] = await runAllStages(folder, [stages]);
  if (outputs === undefined) throw new Error('the stages have outputs');
  return outputs;
}

/** The same for several records in turn. */
export async function runAllStages(folder: string, records: readonly Stages[]) {
  const manifest = readManifest(folder);
  const sessions = await loadSessions(folder, manifest, {
    device: 'cpu',
    keepMemory: true,
    spin: false,
  });
  try {
    const outputs: Awaited<ReturnType<typeof runIn>>[] = [];
    for (const stages of records) outputs.push(await runIn(sessions, manifest, stages));
    return outputs;
  } finally {
    await sessions.close();
  }
}

async function runIn(sessions: ModelSessions, manifest: Manifest, stages: Stages) {
  const given = (name: string) => {
    const tensor = stages[name];
    if (tensor === undefined) throw new Error(`no ${name} among the stages`);
    return { data: tensor.values, dims: tensor.shape };
  };
  const { context, pooled } = await sessions.run('text', {
    ids_1: given('ids_1'),
    ids_2: given('ids_2'),
  });
  if (context === undefined || pooled === undefined) throw new Error('text has two outputs');
  const { x0 } = await sessions.run('unet', {
    latents: given('latents_in'),
    context,
    pooled,
    time_ids: given('time_ids'),
  });
  if (x0 === undefined) throw new Error('unet has an output');
  const { pixels } = await sessions.run('vae', { x0 });
  if (pixels === undefined) throw new Error('vae has an output');
  const vaeIn = Float32Array.from(x0.data, (value) => value / manifest.vae.scalingFactor);
  return {
    context: context.data.slice(),
    pooled: pooled.data.slice(),
    vaeIn,
    pixels: { ...pixels, data: pixels.data.slice() },
  };
}

/** ‖actual − expected‖ / ‖expected‖. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i += 1) {
    const value = expected[i] ?? 0;
    difference += ((actual[i] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

/** The share of values that are at most one apart. */
export function shareWithinOne(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let near = 0;
  for (let i = 0; i < expected.length; i += 1) {
    if (Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0)) <= 1) near += 1;
  }
  return near / expected.length;
}

/** Peak signal to noise ratio of bytes, in dB. */
export function peakSignalToNoise(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < expected.length; i += 1) {
    squares += ((actual[i] ?? Number.NaN) - (expected[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10((255 ** 2 * expected.length) / squares);
}
