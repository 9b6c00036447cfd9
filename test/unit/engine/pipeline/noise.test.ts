import { describe, expect, it } from 'vitest';
import { imageSeed, torchRandn } from '#shared/engine/pipeline/noise.ts';
import { fixture } from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';

describe('torchRandn', () => {
  const { tensors } = readSafetensors(fixture('noise', 'torch-randn.safetensors'));

  it.each(Object.keys(tensors))('equals torch for %s', (name) => {
    const expected = tensors[name]?.values ?? new Float32Array();
    const seed = Number(/^seed_(\d+)_/.exec(name)?.[1]);
    const actual = torchRandn(seed, expected.length);
    const worst = actual.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - (expected[i] ?? Number.NaN))),
      0,
    );
    expect(expected.length).toBeGreaterThan(0);
    expect(worst).toBeLessThanOrEqual(4e-6);
  });

  it('takes the low 32 bits of the seed', () => {
    expect(torchRandn(5 + 2 ** 32, 64)).toEqual(torchRandn(5, 64));
  });
});

describe('imageSeed', () => {
  it('starts again at 0 after the largest seed', () => {
    expect([0, 1, 2].map((index) => imageSeed(0xffff_fffe, index))).toEqual([
      0xffff_fffe, 0xffff_ffff, 0,
    ]);
  });
});
