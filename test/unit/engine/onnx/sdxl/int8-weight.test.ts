import { describe, expect, it } from 'vitest';
import { quantizedRows, rowScales } from '#shared/engine/onnx/sdxl/int8-weight.ts';

const ROWS = Float32Array.from([1, -0.4, 0.25, 0, 0, 0, -1270, 10, 4.9]);

describe('weights as int8', () => {
  it('have a scale for each row, by which its largest value is 127', () => {
    expect([...rowScales(ROWS, 3)]).toEqual([Math.fround(1 / 127), 1, 10]);
  });

  it('are rounded to the nearest whole number', () => {
    expect([...quantizedRows(ROWS, 3)]).toEqual([127, -51, 32, 0, 0, 0, -127, 1, 0]);
  });

  it('stay within bounds where a scale has few digits', () => {
    const tiny = Float32Array.from([2e-43, -2e-43, 1e-44]);
    const values = quantizedRows(tiny, 3);
    expect(Math.max(...values)).toBeLessThanOrEqual(127);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-127);
  });
});
