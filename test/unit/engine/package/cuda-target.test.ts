import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { cudaTarget } from '#shared/engine/onnx/sdxl/cuda-target.ts';
import { type ModelGraph, unetGraph, vaeGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { readUnetConfig } from '#shared/engine/onnx/sdxl/unet-config.ts';
import { readVaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { buildDeviceGraphs, readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { GRAPH_NAMES, type GraphName, readManifest } from '#shared/engine/package/manifest.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { type FixtureTensor, readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError } from '#test/helpers/run-stages.ts';

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
  const config = readModelConfig(openRepository(repository), readManifest(out).recipe);
  const graphs = buildDeviceGraphs(config, 'fp16', readManifest(out).vae).cuda;
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

function graphsOf(repository: string): readonly ModelGraph[] {
  const graphs = buildDeviceGraphs(readModelConfig(openRepository(repository)), 'fp16').cuda;
  return Object.values(graphs ?? {});
}

/** UNet and VAE by the configurations of stable-diffusion-xl-base-1.0. */
function sdxlGraphs(): readonly ModelGraph[] {
  const config = (part: string): unknown =>
    JSON.parse(readFileSync(fixture('sdxl', part, 'config.json'), 'utf8'));
  const step = { timestep: 399, sqrtAlpha: 0.65, sqrtOneMinusAlpha: 0.76 };
  const unet = readUnetConfig(config('unet'), 'unet');
  return [
    unetGraph(cudaTarget, 'FLOAT16', unet, 1280, {
      ...step,
      prediction: 'epsilon',
      scheduler: 'lcm',
    }),
    vaeGraph(cudaTarget, 'FLOAT16', readVaeConfig(config('vae'), 'vae')),
  ];
}

/** The kernels' own conditions, as onnxruntime 1.30's sources and its CUDA provider state them. */
describe.each([
  ['tiny', graphsOf(fixture('tiny', 'repo'))],
  ['odd', graphsOf(fixture('odd', 'repo'))],
  ['demo', graphsOf(fixture('..', '..', 'models', 'demo', 'repo'))],
  ['SDXL', sdxlGraphs()],
])('every fused operator of %s', (model, graphs) => {
  const nodesOf = (...types: readonly string[]) =>
    graphs
      .flatMap(({ graph }) => graph.nodes.map(({ node }) => node))
      .filter(({ opType }) => types.includes(opType));

  it('GroupNorm: an even number of channels in each group, scale and bias in float32', () => {
    for (const { inputs, attributes } of nodesOf('GroupNorm', 'SkipGroupNorm')) {
      const perGroup = Number(inputs[0]?.shape[3]) / Number(attributes['groups']);
      expect(perGroup % 2).toBe(0);
      expect(inputs.slice(1, 3).map((value) => value?.type)).toEqual(['FLOAT', 'FLOAT']);
      expect(attributes).toMatchObject({ channels_last: 1n });
    }
  });

  it('NhwcConv: weights with the input channels last', () => {
    const convolutions = nodesOf('NhwcConv');
    expect(convolutions.length).toBeGreaterThan(10);
    for (const { inputs, attributes } of convolutions) {
      const [image, weight, bias] = inputs.map((value) => value?.shape ?? []);
      const kernel = (attributes['kernel_shape'] as readonly bigint[]).map(Number);
      expect(weight).toEqual([bias?.[0], ...kernel, image?.[3]]);
    }
    expect(nodesOf('Conv')).toEqual([]);
  });

  it('BiasSplitGelu: one of the three widths that it was written for', () => {
    expect(nodesOf('BiasSplitGelu')).toHaveLength(model === 'SDXL' ? 70 : 0);
    for (const { inputs } of nodesOf('BiasSplitGelu')) {
      expect([2560, 5120, 10240]).toContain(inputs[0]?.shape[2]);
    }
  });

  it('SkipLayerNormalization: an epsilon, for its own is 1e-12', () => {
    for (const { attributes } of nodesOf('SkipLayerNormalization')) {
      expect(attributes['epsilon']).toBeCloseTo(1e-5, 7);
    }
  });
});
