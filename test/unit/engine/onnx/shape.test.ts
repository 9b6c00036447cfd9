import { describe, expect, it } from 'vitest';
import { floats } from '#shared/engine/onnx/constant.ts';
import {
  concat,
  doubleNearest,
  reshape,
  resizeNearestLike,
  transpose,
} from '#shared/engine/onnx/ops/arrange.ts';
import { add } from '#shared/engine/onnx/ops/elementwise.ts';
import { linearProduct } from '#shared/engine/onnx/ops/microsoft.ts';
import { conv } from '#shared/engine/onnx/ops/network.ts';
import { broadcast, productOf, sumOf, UNKNOWN, windowed } from '#shared/engine/onnx/shape.ts';
import { input } from '#shared/engine/onnx/value.ts';

const image = input('image', 'FLOAT', ['n', 8, 'h', 6]);
const kernel = (out: number, into: number, size: number) =>
  input('weight', 'FLOAT', [out, into, size, size]);

describe('shapes are known the moment a value exists:', () => {
  it('broadcasting', () => {
    expect(broadcast([1, 4], ['n', 1])).toEqual(['n', 4]);
    expect(broadcast([3], ['n', 2, 3])).toEqual(['n', 2, 3]);
    expect(() => broadcast([3], [4])).toThrow(/broadcast/);
    expect(() => add(floats([1, 2]), floats([1, 2, 3]))).toThrow(/broadcast/);
  });

  it('broadcasting of names, of which one may be 1', () => {
    expect(broadcast(['n', 'h'], [3, 'w'])).toEqual([3, UNKNOWN]);
  });

  it('sums and products', () => {
    expect(productOf([2, 'h', 3])).toBe('6*h');
    expect(productOf([2, sumOf(['h', 1, 'w', 1])])).toBe('2*(h+w+2)');
    expect(sumOf([1, 2])).toBe(3);
    const unknown = [productOf([2, UNKNOWN]), sumOf([1, UNKNOWN]), windowed(UNKNOWN, 3, 1, 2)];
    expect(unknown).toEqual([UNKNOWN, UNKNOWN, UNKNOWN]);
  });

  it('windows', () => {
    expect(windowed('h', 3, 1, 2)).toBe('h');
    expect(windowed(7, 3, 2, 2)).toBe(4);
    expect(windowed('h', 3, 2, 2)).toBe('((h-1)/2+1)');
  });

  it('convolution', () => {
    expect(conv(image, kernel(5, 8, 3), undefined, { padding: 1 }).shape).toEqual(['n', 5, 'h', 6]);
    expect(conv(image, kernel(5, 8, 3), undefined, { stride: 2, padding: 1 }).shape[3]).toBe(3);
    const sides = { top: 1, left: 0, bottom: 0, right: 1 };
    expect(conv(image, kernel(5, 8, 2), undefined, { padding: sides }).shape[3]).toBe(6);
    expect(() => conv(image, kernel(5, 7, 3), undefined)).toThrow(/Conv of/);
  });

  it('arrangement', () => {
    expect(reshape(image, [0, 4, -1]).shape).toEqual(['n', 4, '12*h']);
    expect(reshape(image, [0, 0, -1]).shape).toEqual(['n', 8, '6*h']);
    expect(() => reshape(image, [0, 5, -1])).toThrow(/reshaped/);
    expect(transpose(image, [0, 2, 3, 1]).shape).toEqual(['n', 'h', 6, 8]);
    expect(concat([image, image], 1).shape).toEqual(['n', 16, 'h', 6]);
    expect(doubleNearest(image).shape).toEqual(['n', 8, '2*h', 12]);
    const other = input('other', 'FLOAT', ['n', 3, 'H', 11]);
    expect(resizeNearestLike(image, other).shape).toEqual(['n', 8, 'H', 11]);
  });

  it('linear layers', () => {
    const weight = input('weight', 'FLOAT', [5, 6]);
    expect(linearProduct(image, weight).shape).toEqual(['n', 8, 'h', 5]);
    expect(() => linearProduct(image, kernel(1, 1, 5))).toThrow(/times the transpose/);
  });
});
