import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '#shared/checkpoint/open-checkpoint.ts';
import { buildDeviceGraphs, readModelConfig } from '#shared/model/build-graphs.ts';
import { GRAPH_NAMES, type GraphName, readManifest } from '#shared/model/manifest.ts';
import { openRepository } from '#shared/model/repository.ts';
import { encodeModel } from '#shared/onnx/model-proto.ts';
import { fixture, importFixture, temporaryFolder } from '../../helpers/model-fixture.ts';
import { type FixtureTensor, readSafetensors } from '../../helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError } from '../../helpers/run-stages.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** The bars of float16 against float32. */
const LATENT_BAR = 1e-2;
const IMAGE_BAR_DB = 40;

const ids = ({ values, shape }: FixtureTensor) =>
  new Tensor('int32', values as Int32Array, [...shape]);
const floats = ({ values, shape }: FixtureTensor) =>
  new Tensor('float32', values as Float32Array, [...shape]);

/** Runs the CUDA graphs of a package on the CPU, their fused operators as functions. */
async function runExpanded(repository: string, out: string, stages: Record<string, FixtureTensor>) {
  const config = readModelConfig(openRepository(repository));
  const graphs = buildDeviceGraphs(config, 'fp16', readManifest(out).vae.folding).cuda;
  if (graphs === undefined) throw new Error('a float16 package has CUDA graphs');
  const run = async (name: GraphName, feeds: Record<string, Tensor>) => {
    const weights = openCheckpoint(join(out, `${name}.safetensors`));
    const locate = (tensor: { name: string }) => ({
      file: `${name}.safetensors`,
      offset: weights.tensors.get(tensor.name)?.offset ?? Number.NaN,
    });
    const path = join(out, `${name}.expanded.onnx`);
    writeFileSync(path, encodeModel(graphs[name].graph, locate, { expandBodies: true }));
    weights.close();
    const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
    const outputs = await session.run(feeds);
    await session.release();
    return outputs as Record<string, Tensor>;
  };
  const given = (name: string): FixtureTensor => {
    const tensor = stages[name];
    if (tensor === undefined) throw new Error(`no ${name} among the stages`);
    return tensor;
  };
  const text = await run('text', { ids_1: ids(given('ids_1')), ids_2: ids(given('ids_2')) });
  const latents = floats(given('latents_in'));
  const time_ids = floats(given('time_ids'));
  const { x0 } = await run('unet', { latents, time_ids, ...text });
  if (x0 === undefined) throw new Error('unet has an output');
  const { pixels } = await run('vae', { x0 });
  return { x0: x0.data as Float32Array, pixels: pixels?.data as Uint8Array };
}

describe.each([
  ['tiny', 'card'],
  ['odd', 'odd'],
])('the CUDA graphs of %s', (model, record) => {
  it('draw in float16 what diffusers draws in float32', async () => {
    const out = join(folder.path, model);
    await importFixture(fixture(model, 'repo'), out, { dtype: 'fp16' });
    const manifest = readManifest(out);
    expect(GRAPH_NAMES.map((name) => manifest.graphs.cuda?.[name].file)).toEqual([
      'text.cuda.onnx',
      'unet.cuda.onnx',
      'vae.cuda.onnx',
    ]);
    const { tensors } = readSafetensors(fixture(model, `${record}.safetensors`));
    const { x0, pixels } = await runExpanded(fixture(model, 'repo'), out, tensors);
    const vaeIn = x0.map((value) => value / manifest.vae.scalingFactor);
    expect(relativeError(vaeIn, tensors['vae_in']?.values ?? [])).toBeLessThan(LATENT_BAR);
    expect(peakSignalToNoise(pixels, tensors['pixels']?.values ?? [])).toBeGreaterThan(
      IMAGE_BAR_DB,
    );
  });
});
