import { describe, expect, it } from 'vitest';
import { int8Kernel } from '#shared/engine/onnx/sdxl/int8-kernel.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { Var } from '#shared/engine/onnx/value.ts';

const WEIGHT = Float32Array.from([1, -0.4, 0.25, 0, 1e-9, 0, -4, 4, 2.2, 0, 0, 0]);

const kernel = int8Kernel(
  {
    name: 'conv.weight',
    shape: [4, 1, 1, 3],
    type: 'FLOAT',
    source: { part: 'vae', name: 'conv.weight', shape: [4, 1, 1, 3] },
  },
  [-4, -2, 1, -9],
);

function tensorOf({ origin }: Var): StoredTensor {
  if (origin.kind !== 'stored') throw new Error('a kernel is stored');
  return origin.tensor;
}

const computed = (value: Var, start = 0): number[] => [
  ...(tensorOf(value).compute?.(WEIGHT.subarray(3 * start), start) ?? []),
];

describe('the weight of a convolution as int8', () => {
  it('reaches 63, so that a sum of two products with bytes fits 16 bits', () => {
    expect(computed(kernel.values)).toEqual([63, -25, 16, 0, 0, 0, -63, 63, 35, 0, 0, 0]);
    expect(2 * 255 * 63).toBeLessThan(2 ** 15);
  });

  it('has scales in units of what each output is rounded to', () => {
    expect(kernel.steps).toEqual([2 ** -4, 2 ** -2, 2, 2 ** -9]);
    const [first, second, third, zeros] = computed(kernel.scales);
    expect(first).toBeCloseTo(16 / 63, 6);
    // Not less, so that its bias fits the sum.
    expect(second).toBe(2 ** -12);
    expect(third).toBeCloseTo(4 / 63 / 2, 6);
    // Nor more: its bias is a multiple of it.
    expect(zeros).toBe(2 ** -12);
  });

  it('is the same when it is computed a few rows at a time', () => {
    expect(computed(kernel.values, 2)).toEqual(computed(kernel.values).slice(6));
    expect(computed(kernel.scales, 2)).toEqual(computed(kernel.scales).slice(2));
  });

  it('is stored row by row, as the checkpoint has it', () => {
    const { name, shape, type, transposedGroups } = tensorOf(kernel.values);
    expect({ name, shape, type }).toEqual({
      name: 'conv.weight.int8',
      shape: [4, 1, 1, 3],
      type: 'INT8',
    });
    expect(transposedGroups).toBeUndefined();
  });
});
