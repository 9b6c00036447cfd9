import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { buildDeviceGraphs, readModelConfig } from '#shared/engine/package/build-graphs.ts';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { loadPipeline, type Picture } from '#shared/engine/pipeline/pipeline.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, relativeError, shareWithinOne } from '#test/helpers/run-stages.ts';

const STAGE_BAR = 1e-4;
const PIXEL_BAR = 0.999;
const FP16_BAR_DB = 45;

const folder = temporaryFolder();
afterAll(folder.remove);

const TINY = fixture('tiny', 'repo');
const TAESDXL = fixture('extras', 'taesdxl');
const { metadata, tensors } = readSafetensors(fixture('extras', 'tiny-decoder.safetensors'));
const expected = (name: string) => tensors[name]?.values ?? [];

async function draw(path: string, decoder?: 'draft'): Promise<Picture> {
  const pipeline = await loadPipeline(path, { device: 'cpu', spin: false });
  const { prompt = '', seed, width, height } = metadata;
  const size = { width: Number(width), height: Number(height) };
  try {
    const request = { prompt, seed: Number(seed), ...size, numOutputs: 1, decoder };
    for await (const picture of pipeline.generate(request)) return picture;
    throw new Error('no picture');
  } finally {
    await pipeline.close();
  }
}

describe.each([
  { how: 'in place of the VAE', options: { vae: TAESDXL }, decoder: undefined },
  { how: 'beside the VAE', options: { draftVae: TAESDXL }, decoder: 'draft' },
] as const)('an AutoencoderTiny $how', ({ how, options, decoder }) => {
  it.each(['fp32', 'fp16'] as const)('draws what diffusers does in %s', async (dtype) => {
    const out = join(folder.path, `${how} ${dtype}`);
    const manifest = await importFixture(TINY, out, { ...options, dtype });
    expect(await checkFiles(out, manifest)).toEqual([]);
    const { pixels, stages } = await draw(out, decoder);
    if (dtype === 'fp16') {
      expect(peakSignalToNoise(pixels, expected('pixels'))).toBeGreaterThan(FP16_BAR_DB);
      return;
    }
    expect(relativeError(stages.vae_in.data, expected('vae_in'))).toBeLessThan(STAGE_BAR);
    expect(shareWithinOne(pixels, expected('pixels'))).toBeGreaterThan(PIXEL_BAR);
  });
});

describe('the CUDA graph of an AutoencoderTiny', () => {
  it('draws in float16 what diffusers draws in float32', async () => {
    const out = join(folder.path, 'cuda');
    await importFixture(TINY, out, { draftVae: TAESDXL, dtype: 'fp16' });
    const config = readModelConfig(openRepository(TINY), undefined, { draftVae: TAESDXL });
    const graph = buildDeviceGraphs(config, 'fp16').cuda?.draft?.graph;
    if (graph === undefined) throw new Error('a draft graph');
    const weights = openCheckpoint(join(out, 'draft.safetensors'));
    const locate = ({ name }: { name: string }) => ({
      file: 'draft.safetensors',
      offset: weights.tensors.get(name)?.offset ?? Number.NaN,
    });
    writeFileSync(join(out, 'x.onnx'), encodeModel(graph, locate, { expandBodies: true }));
    weights.close();
    const { InferenceSession } = await loadOnnxRuntime();
    const session = await InferenceSession.create(join(out, 'x.onnx'), { logSeverityLevel: 3 });
    const x0 = tensors['vae_in'];
    if (x0 === undefined) throw new Error('the record has its latents');
    const { pixels } = await session.run({
      x0: new Tensor('float32', x0.values as Float32Array, [...x0.shape]),
    });
    await session.release();
    expect(peakSignalToNoise(pixels?.data as Uint8Array, expected('pixels'))).toBeGreaterThan(40);
  });
});

describe('another decoder', () => {
  it('is part of the digest, and need not be small', async () => {
    const plain = await importFixture(TINY, join(folder.path, 'plain'));
    const same = await importFixture(TINY, join(folder.path, 'same'), { vae: join(TINY, 'vae') });
    expect(same.digest).toBe(plain.digest);
    expect(same.source.parts?.['vae']).toContain(join(TINY, 'vae'));
    const tiny = await importFixture(TINY, join(folder.path, 'tiny'), { draftVae: TAESDXL });
    expect(tiny.digest).not.toBe(plain.digest);
  });

  it('is refused where it does not fit, or is of another class', async () => {
    const decoder = join(folder.path, 'decoder');
    const withConfig = (change: object) => {
      rmSync(decoder, { recursive: true, force: true });
      mkdirSync(decoder);
      cpSync(TAESDXL, decoder, { recursive: true });
      const config = JSON.parse(readFileSync(join(TAESDXL, 'config.json'), 'utf8'));
      writeFileSync(join(decoder, 'config.json'), JSON.stringify({ ...config, ...change }));
      return importFixture(TINY, join(folder.path, 'faulty'), { draftVae: decoder });
    };
    await expect(withConfig({ _class_name: 'VQModel' })).rejects.toThrow(
      /"_class_name": "VQModel"/,
    );
    await expect(withConfig({ latent_channels: 16 })).rejects.toThrow(/latents of other shapes/);
    await expect(withConfig({ num_decoder_blocks: [2, 2, 1] })).rejects.toThrow(/has 3 entries/);
    await expect(withConfig({ upsampling_scaling_factor: 4 })).rejects.toThrow(/must be 2/);
    await expect(withConfig({ decoder_block_out_channels: [16, 16, 16, 8] })).rejects.toThrow(
      /must be the same for every block/,
    );
  });

  it('is refused where it is of Stable Diffusion 1', async () => {
    const older = (name: string, source: string, change: object) => {
      const decoder = join(folder.path, 'older', name);
      cpSync(source, decoder, { recursive: true });
      const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
      writeFileSync(join(decoder, 'config.json'), JSON.stringify({ ...config, ...change }));
      return decoder;
    };
    const importing = (decoders: object) =>
      importFixture(TINY, join(folder.path, 'faulty'), decoders);
    const refusal = 'is a decoder of Stable Diffusion 1 or 2, not of SDXL';
    // Old configurations state no factor, which is the class's default then.
    for (const scaling_factor of [0.18215, undefined]) {
      const vae = older(`kl ${scaling_factor}`, join(TINY, 'vae'), { scaling_factor });
      await expect(importing({ vae })).rejects.toThrow(`"scaling_factor": 0.18215 ${refusal}`);
    }
    const tiny = older('taesd', TAESDXL, {});
    const fromHub = older(join('hub', 'taesd', '0'.repeat(40)), TAESDXL, {});
    await expect(importing({ draftVae: fromHub })).rejects.toThrow(refusal);
    await importing({ draftVae: older(join('taesd', 'taesdxl'), TAESDXL, {}) });
    await expect(importing({ draftVae: tiny })).rejects.toThrow(`"taesd" ${refusal}`);
    await expect(importing({ vae: tiny })).rejects.toThrow(refusal);
  });

  it('is needed for a draft', async () => {
    const out = join(folder.path, 'none');
    await importFixture(TINY, out);
    await expect(draw(out, 'draft')).rejects.toMatchObject({ code: 'invalid-input' });
  });
});
