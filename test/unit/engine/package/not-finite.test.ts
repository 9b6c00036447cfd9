import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { areFinite } from '#shared/engine/checkpoint/finite.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import {
  copyOfTiny,
  editTensors,
  importFixture,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** The tiny repository with the first values of one tensor replaced, as float32. */
function withValues(part: 'unet' | 'vae', name: string, value: number): string {
  const repository = copyOfTiny(folder.path);
  editTensors(openRepository(repository).weightsOf(part), (tensors) => {
    const { shape } = tensors[name] as RawTensor;
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value, 0, 8);
    return { ...tensors, [name]: { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) } };
  });
  return repository;
}

const NAME = 'mid_block.resnets.0.conv1.weight';

describe('a weight that is not finite', () => {
  it.each([
    ['fp32', Number.NaN, 'unet', NAME],
    ['fp32', Number.POSITIVE_INFINITY, 'unet', 'conv_out.bias'],
    ['fp16', Number.NaN, 'unet', NAME],
    ['fp16', Number.NEGATIVE_INFINITY, 'vae', 'decoder.conv_in.weight'],
  ] as const)('is refused by name: %s %s', async (dtype, value, part, name) => {
    const repository = withValues(part, name, value);
    for (const link of [false, true]) {
      const importing = importFixture(repository, join(folder.path, 'out'), { dtype, link });
      await expect(importing).rejects.toThrow(
        `tensor "${name}" of ${part} holds NaN or infinity: the file is damaged`,
      );
      rmSync(join(folder.path, 'out'), { recursive: true, force: true });
    }
  });

  it('may be one that only float16 cannot hold', async () => {
    const repository = withValues('unet', NAME, 70_000);
    const out = join(folder.path, 'overflow');
    await expect(importFixture(repository, out, { dtype: 'fp16' })).rejects.toThrow(
      `tensor "${NAME}" of unet holds values that overflow in float16; import it with --dtype fp32`,
    );
    await importFixture(repository, out);
  });
});

describe('a picture that is not finite', () => {
  const draw = async (path: string) => {
    const pipeline = await loadPipeline(path, { device: 'cpu', spin: false });
    try {
      const request = { prompt: '', seed: 0, width: 64, height: 64, numOutputs: 1 };
      for await (const _ of pipeline.generate(request)) return;
    } finally {
      await pipeline.close();
    }
  };

  it.each([
    ['unet', 'conv_out.bias', 'latents'],
    ['vae', 'decoder.conv_out.bias', 'pixels'],
  ] as const)('is an error of the model: %s', async (part, name, what) => {
    // Each finite, their sum not.
    const repository = copyOfTiny(folder.path);
    editTensors(openRepository(repository).weightsOf(part), (tensors) => {
      const edited = { ...tensors };
      for (const each of [name, name.replace('bias', 'weight')]) {
        const { shape } = tensors[each] as RawTensor;
        const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(3e38);
        edited[each] = { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
      }
      return edited;
    });
    const out = join(folder.path, `drawn-${part}`);
    await importFixture(repository, out);
    await expect(draw(out)).rejects.toMatchObject({
      code: 'model-error',
      message: `The model's ${what} are not finite numbers.`,
    });
  });
});

describe('areFinite', () => {
  it.each(['F32', 'F16'] as const)('finds one %s among many, wherever it lies', (type) => {
    const size = type === 'F32' ? 4 : 2;
    const bad = type === 'F32' ? [0, 0, 0x80, 0xff] : [1, 0x7c];
    const largest = type === 'F32' ? [0xff, 0xff, 0x7f, 0x7f] : [0xff, 0xfb];
    for (const count of [1, 2, 7]) {
      for (let at = 0; at < count; at++) {
        const bytes = new Uint8Array(count * size + 1).subarray(1);
        bytes.set(largest, at * size);
        expect(areFinite(bytes, type)).toBe(true);
        bytes.set(bad, at * size);
        expect(areFinite(bytes, type)).toBe(false);
      }
    }
    expect(areFinite(new Uint8Array(), type)).toBe(true);
  });
});
