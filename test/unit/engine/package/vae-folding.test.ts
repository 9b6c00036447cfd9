import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { convert } from '#shared/engine/checkpoint/convert.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { cudaTarget } from '#shared/engine/onnx/sdxl/cuda-target.ts';
import type { Folding } from '#shared/engine/onnx/sdxl/resnet.ts';
import { Scope } from '#shared/engine/onnx/sdxl/scope.ts';
import { decode, vaeDecoder } from '#shared/engine/onnx/sdxl/vae-decoder.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import {
  copyOfTiny,
  editTensors,
  importFixture,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { peakSignalToNoise } from '#test/helpers/run-stages.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** What the tiny VAE's activations are multiplied by, so that float16 ends far below them. */
const LARGER: Folding = { residual: 13, inner: 11 };
const DIMS = [1, 4, 6, 5];
const latents = Float32Array.from({ length: 4 * 6 * 5 }, (_, i) => Math.sin(i * 1.7) * 2);

/** Which factor a decoder's tensor carries into the activations that are divided; none for most. */
function exponentOf(name: string): keyof Folding | undefined {
  if (/\.conv1\.(weight|bias)$/.test(name)) return 'inner';
  const isResidual =
    /\.(conv_in|conv2|to_out\.0)\.(weight|bias)$/.test(name) ||
    /\.(conv_shortcut|upsamplers\.0\.conv)\.bias$/.test(name);
  return isResidual ? 'residual' : undefined;
}

function multiplied(tensor: RawTensor, exponent: number): RawTensor {
  const values = new Float32Array(convert(tensor.bytes.slice(), 'F16', 'F32').buffer);
  const larger = new Uint8Array(values.map((value) => value * 2 ** exponent).buffer);
  return { ...tensor, bytes: convert(larger, 'F32', 'F16') };
}

/** A copy of the tiny repository with as large activations in its VAE; its images stay as they are. */
function largeVae(larger: Folding): string {
  const path = copyOfTiny(folder.path);
  editTensors(join(path, 'vae', 'diffusion_pytorch_model.safetensors'), (tensors) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => {
        const exponent = name.startsWith('decoder.') ? exponentOf(name) : undefined;
        return [name, exponent === undefined ? tensor : multiplied(tensor, larger[exponent])];
      }),
    ),
  );
  return path;
}

/** Runs a graph over a repository's VAE weights, its fused operators as functions. */
async function runVae(
  repository: string,
  type: 'FLOAT' | 'FLOAT16',
  build: (x0: Var) => Var,
): Promise<Tensor['data']> {
  const x0 = input('x0', 'FLOAT', ['n', 4, 'h', 'w']);
  const graph = buildGraph('vae', [x0], { image: build(x0) });
  const checkpoint = openCheckpoint(openRepository(repository).weightsOf('vae'));
  const files = new Map<string, Uint8Array>();
  for (const { value } of graph.stored) {
    if (value.origin.kind !== 'stored') continue;
    const { name, source, compute } = value.origin.tensor;
    const tensor = checkpoint.tensors.get(source.name);
    if (tensor === undefined) throw new Error(`no ${source.name}`);
    const values = new Float32Array(convert(tensor.read(), tensor.dtype, 'F32').buffer);
    const result = new Uint8Array((compute?.(values, 0) ?? values).buffer as ArrayBuffer);
    const isHalf = value.type === 'FLOAT16';
    files.set(name, isHalf ? convert(result, 'F32', 'F16').slice() : result);
  }
  checkpoint.close();
  const locate = ({ name }: { name: string }) => ({ file: name, offset: 0 });
  const model = encodeModel(graph, locate, { expandBodies: type === 'FLOAT16' });
  const session = await InferenceSession.create(model, {
    externalData: [...files].map(([path, data]) => ({ path, data })),
    // Rewriting could leave out what rounds a value to float16.
    graphOptimizationLevel: type === 'FLOAT16' ? 'disabled' : 'all',
    logSeverityLevel: 3,
  });
  const outputs = await session.run({ x0: new Tensor('float32', latents, DIMS) });
  await session.release();
  return outputs['image']?.data ?? new Uint8Array();
}

const vaeConfig = (repository: string) => {
  const { vae } = readModelConfig(openRepository(repository));
  if (vae.kind === 'kl') return vae;
  throw new Error('the fixture has an AutoencoderKL');
};

const decodedInFloat32 = (repository: string, folding: Folding) =>
  runVae(repository, 'FLOAT', (x0) =>
    decode(cpuTarget, Scope.of('vae', 'FLOAT'), vaeConfig(repository), x0, folding),
  ) as Promise<Float32Array>;

const drawnInFloat16 = (repository: string, folding: Folding) =>
  runVae(
    repository,
    'FLOAT16',
    (x0) =>
      vaeDecoder(cudaTarget, Scope.of('vae', 'FLOAT16'), vaeConfig(repository), x0, folding).pixels,
  ) as Promise<Uint8Array>;

const pixelsOf = (decoded: Float32Array): number[] => {
  const plane = decoded.length / 3;
  return Array.from({ length: decoded.length }, (_, i) => {
    const value = decoded[(i % 3) * plane + Math.floor(i / 3)] ?? Number.NaN;
    return Math.round(Math.min(Math.max(value * 0.5 + 0.5, 0), 1) * 255);
  });
};

async function calibrated(repository: string) {
  const out = join(folder.path, `package-${Math.random()}`);
  await importFixture(repository, out, { dtype: 'fp16' });
  const { folding, seen } = readManifest(out).vae;
  if (folding === undefined || seen === undefined) throw new Error('a float16 package says both');
  return { folding, seen };
}

describe('the powers of two that a VAE is divided by for float16', () => {
  it('are none for small activations', async () => {
    const { folding, seen } = await calibrated(copyOfTiny(folder.path));
    expect(folding).toEqual({ residual: 0, inner: 0 });
    expect(seen.residual).toBeGreaterThan(1);
  });

  it('are the smallest that keep what was seen sixteen times below the end of float16', async () => {
    const { folding, seen } = await calibrated(largeVae(LARGER));
    for (const exponent of ['residual', 'inner'] as const) {
      expect(seen[exponent], exponent).toBeGreaterThan(2 ** 12);
      const divided = seen[exponent] / 2 ** folding[exponent];
      expect(divided, exponent).toBeLessThanOrEqual(2 ** 12);
      expect(divided, exponent).toBeGreaterThan(2 ** 11);
    }
  });

  it('change no bit of what is decoded in float32', async () => {
    const repository = largeVae(LARGER);
    const plain = await decodedInFloat32(repository, { residual: 0, inner: 0 });
    expect(plain.every(Number.isFinite)).toBe(true);
    const { folding } = await calibrated(repository);
    for (const tried of [folding, { residual: 5, inner: 3 }, { residual: 9, inner: 7 }]) {
      expect(await decodedInFloat32(repository, tried), JSON.stringify(tried)).toEqual(plain);
    }
  });

  it('let float16 draw what float32 draws, which it can not without them', async () => {
    const repository = largeVae(LARGER);
    const { folding } = await calibrated(repository);
    const wanted = pixelsOf(await decodedInFloat32(repository, { residual: 0, inner: 0 }));
    const drawn = async (by: Folding) =>
      peakSignalToNoise(await drawnInFloat16(repository, by), wanted);
    expect(await drawn(folding)).toBeGreaterThan(40);
    expect(await drawn({ residual: 0, inner: 0 })).toBeLessThan(20);
  });

  it('can not be found for weights that are not numbers: the import says so', async () => {
    const repository = copyOfTiny(folder.path);
    editTensors(join(repository, 'vae', 'diffusion_pytorch_model.safetensors'), (tensors) => ({
      ...tensors,
      'decoder.conv_in.bias': {
        ...(tensors['decoder.conv_in.bias'] as RawTensor),
        bytes: new Uint8Array((tensors['decoder.conv_in.bias'] as RawTensor).bytes.length).fill(
          0xff,
        ),
      },
    }));
    await expect(calibrated(repository)).rejects.toThrow(/vae.*NaN or infinity/s);
  });
});
