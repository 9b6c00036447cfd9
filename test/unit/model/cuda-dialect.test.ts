import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { convert } from '#shared/checkpoint/convert.ts';
import { openCheckpoint } from '#shared/checkpoint/open-checkpoint.ts';
import { buildDeviceGraphs, readModelConfig } from '#shared/model/build-graphs.ts';
import { GRAPH_NAMES, type GraphName, readManifest } from '#shared/model/manifest.ts';
import { openRepository } from '#shared/model/repository.ts';
import { buildGraph } from '#shared/onnx/graph.ts';
import { encodeModel } from '#shared/onnx/model-proto.ts';
import { cpuDialect } from '#shared/onnx/sdxl/cpu-dialect.ts';
import type { Folding } from '#shared/onnx/sdxl/resnet.ts';
import { Scope } from '#shared/onnx/sdxl/scope.ts';
import { decode } from '#shared/onnx/sdxl/vae-decoder.ts';
import { input } from '#shared/onnx/value.ts';
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
  const graphs = buildDeviceGraphs(config, 'fp16').cuda;
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

describe('folding powers of two through a VAE', () => {
  const repository = openRepository(fixture('tiny', 'repo'));
  const config = readModelConfig(repository).vae;
  const latents = Float32Array.from({ length: 4 * 6 * 5 }, (_, i) => Math.sin(i * 1.7) * 2);

  const decoded = async (folding: Folding): Promise<Float32Array> => {
    const x0 = input('x0', 'FLOAT', ['n', 4, 'h', 'w']);
    const image = decode(cpuDialect, Scope.of('vae', 'FLOAT'), config, x0, folding);
    const graph = buildGraph('vae', [x0], { image });
    const checkpoint = openCheckpoint(repository.weightsOf('vae'));
    const files = new Map<string, Uint8Array>();
    for (const { value } of graph.stored) {
      if (value.origin.kind !== 'stored') continue;
      const { name, sources, compute } = value.origin.tensor;
      const values = sources.map((source) => {
        const tensor = checkpoint.tensors.get(source.name);
        if (tensor === undefined) throw new Error(`no ${source.name}`);
        return new Float32Array(convert(tensor.read(), tensor.dtype, 'F32').buffer);
      });
      const result = compute === undefined ? values[0] : compute(values);
      files.set(name, new Uint8Array(result?.buffer ?? new ArrayBuffer(0)));
    }
    const model = encodeModel(graph, ({ name }) => ({ file: name, offset: 0 }));
    const session = await InferenceSession.create(model, {
      externalData: [...files].map(([path, data]) => ({ path, data })),
    });
    const outputs = await session.run({ x0: new Tensor('float32', latents, [1, 4, 6, 5]) });
    await session.release();
    return outputs['image']?.data as Float32Array;
  };

  it('changes no bit of what it decodes in float32', async () => {
    const plain = await decoded({ residual: 0, inner: 0 });
    expect(plain.every(Number.isFinite)).toBe(true);
    for (const folding of [
      { residual: 5, inner: 3 },
      { residual: 9, inner: 7 },
    ]) {
      expect(await decoded(folding)).toEqual(plain);
    }
  });
});
