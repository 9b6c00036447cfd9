import { describe, expect, it } from 'vitest';
import { float8ToFloat } from '#shared/engine/bytes/float8.ts';
import { floatsOf } from '#shared/engine/checkpoint/computed-tensor.ts';
import { readSafetensors } from '#shared/engine/checkpoint/safetensors.ts';
import { scaled } from '#shared/engine/checkpoint/scaled.ts';
import { memorySource } from '#test/helpers/memory-source.ts';
import { encodeSafetensors, withHeader } from '#test/helpers/write-safetensors.ts';

const widen = (type: 'F8_E4M3' | 'F8_E5M2', bytes: readonly number[]) => {
  const target = new Float32Array(bytes.length);
  float8ToFloat(Uint8Array.from(bytes), type, target);
  return [...target];
};

describe('float8ToFloat', () => {
  it('has the values of E4M3', () => {
    const bytes = [0x00, 0x01, 0x08, 0x38, 0x39, 0x7e, 0xb8, 0xfe];
    expect(widen('F8_E4M3', bytes)).toEqual([0, 2 ** -9, 2 ** -6, 1, 1.125, 448, -1, -448]);
    expect(widen('F8_E4M3', [0x7f, 0xff])).toEqual([Number.NaN, Number.NaN]);
  });

  it('has the values of E5M2', () => {
    const bytes = [0x00, 0x01, 0x04, 0x3c, 0x3d, 0x7b, 0x7c, 0xfc];
    const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(widen('F8_E5M2', bytes)).toEqual([0, 2 ** -16, 2 ** -14, 1, 1.25, 57_344, ...infinite]);
    expect(widen('F8_E5M2', [0x7d])).toEqual([Number.NaN]);
  });
});

describe('a checkpoint in eight bits', () => {
  const bytes = Uint8Array.of(0x38, 0x40, 0xb8);
  const float = (value: number) => new Uint8Array(Float32Array.of(value).buffer);

  it('has its values, multiplied by their scale', () => {
    const file = encodeSafetensors({
      'a.scale_weight': { dtype: 'F32', shape: [], bytes: float(0.5) },
      'a.scale_input': { dtype: 'F32', shape: [], bytes: float(7) },
      scaled_fp8: { dtype: 'F8_E4M3', shape: [0], bytes: new Uint8Array() },
      'a.weight': { dtype: 'F8_E4M3', shape: [3], bytes },
      'b.weight': { dtype: 'F8_E4M3', shape: [3], bytes },
    });
    const { tensors } = scaled(readSafetensors(memorySource(file)));
    expect([...tensors.keys()]).toEqual(['a.weight', 'b.weight']);
    const valuesOf = (name: string) => {
      const tensor = tensors.get(name);
      return tensor && [...floatsOf(tensor)];
    };
    expect(valuesOf('a.weight')).toEqual([0.5, 1, -0.5]);
    expect(valuesOf('b.weight')).toEqual([1, 2, -1]);
  });

  it('keeps a scale that it does not know', () => {
    const file = encodeSafetensors({
      'a.scale_weight': { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) },
      'a.weight': { dtype: 'F8_E4M3', shape: [3], bytes },
    });
    expect(scaled(readSafetensors(memorySource(file))).tensors.has('a.scale_weight')).toBe(true);
  });
});

describe('a header', () => {
  it('may have null for its metadata', () => {
    const file = withHeader('{"__metadata__":null}');
    expect(readSafetensors(memorySource(file)).metadata.size).toBe(0);
  });
});
