import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { readSafetensors } from '#shared/engine/checkpoint/safetensors.ts';
import { type SinglePart, singleFilePart } from '#shared/engine/checkpoint/single-file.ts';
import { ldmUnetNames } from '#shared/engine/checkpoint/single-file-unet.ts';
import { elementCount } from '#shared/engine/checkpoint/tensor.ts';
import { memorySource } from '#test/helpers/memory-source.ts';
import { fixture } from '#test/helpers/model-fixture.ts';
import { originalUnetName, singleFileOf } from '#test/helpers/single-file.ts';
import { encodeSafetensors } from '#test/helpers/write-safetensors.ts';

const REPOSITORY = fixture('tiny', 'repo');
const WHOLE = singleFileOf(REPOSITORY);
const PARTS: readonly SinglePart[] = ['text_encoder', 'text_encoder_2', 'unet', 'vae'];

function open(tensors: typeof WHOLE) {
  return readSafetensors(memorySource(encodeSafetensors(tensors)));
}

describe('singleFilePart', () => {
  it.each(PARTS)('gives %s as diffusers has it', (part) => {
    const view = singleFilePart(open(WHOLE), part)?.tensors;
    const reference = openCheckpoint(join(REPOSITORY, part)).tensors;
    const needed = [...reference.keys()].filter((name) => !name.startsWith('encoder.'));
    expect([...(view?.keys() ?? [])].filter((name) => !/^encoder\./.test(name)).toSorted()).toEqual(
      needed.toSorted(),
    );
    for (const name of needed) {
      const expected = reference.get(name);
      const actual = view?.get(name);
      expect(actual?.name).toBe(name);
      expect(actual?.shape, name).toEqual(expected?.shape);
      expect(
        Buffer.compare(actual?.read() ?? new Uint8Array(), expected?.read() ?? new Uint8Array()),
        name,
      ).toBe(0);
      expect(actual?.byteLength).toBe(expected?.byteLength);
    }
  });

  it('reads split and turned tensors in any pieces', () => {
    const { tensors } = singleFilePart(open(WHOLE), 'text_encoder_2') ?? expect.fail('no part');
    for (const name of [
      'text_projection.weight',
      'text_model.encoder.layers.1.self_attn.k_proj.weight',
    ]) {
      const tensor = tensors.get(name) ?? expect.fail(name);
      const whole = tensor.read();
      const count = elementCount(tensor.shape);
      const into = new Uint8Array(whole.length + 3);
      const middle = tensor.read(7, count - 5, into);
      expect(middle.buffer).toBe(into.buffer);
      expect(Buffer.compare(middle, whole.subarray(14, (count - 5) * 2))).toBe(0);
    }
  });

  it('tells where split tensors lie in the file', () => {
    const bytes = encodeSafetensors(WHOLE);
    const checkpoint = readSafetensors(memorySource(bytes));
    const tensor = singleFilePart(checkpoint, 'text_encoder_2')?.tensors.get(
      'text_model.encoder.layers.0.self_attn.v_proj.bias',
    );
    if (tensor?.offset === undefined) expect.fail('no place');
    const { offset } = tensor;
    expect(bytes.slice(offset, offset + tensor.byteLength)).toEqual(tensor.read());
  });

  it('takes a UNet without the prefix, and leaves other checkpoints alone', () => {
    const prefix = 'model.diffusion_model.';
    const bare = Object.entries(WHOLE)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]);
    const checkpoint = open(Object.fromEntries(bare));
    expect(singleFilePart(checkpoint, 'unet')?.tensors.has('conv_in.weight')).toBe(true);
    expect(singleFilePart(checkpoint, 'vae')).toBeUndefined();
    expect(singleFilePart(openCheckpoint(join(REPOSITORY, 'unet')), 'unet')).toBeUndefined();
  });
});

describe('ldmUnetNames', () => {
  it('gives back every name of SDXL’s UNet', () => {
    const keys = JSON.parse(readFileSync(fixture('sdxl', 'keys.json'), 'utf8'));
    const names = Object.keys(keys.unet);
    const config = JSON.parse(readFileSync(fixture('sdxl', 'unet', 'config.json'), 'utf8'));
    const originals = new Map(names.map((name) => [originalUnetName(name, config), name]));
    expect(originals.size).toBe(1680);
    const nameOf = ldmUnetNames(originals);
    for (const [original, name] of originals) expect(nameOf(original)).toBe(name);
  });
});
