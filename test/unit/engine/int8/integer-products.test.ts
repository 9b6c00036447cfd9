import { describe, expect, it } from 'vitest';
import {
  couldOverflow,
  hasIntegerProducts,
  slowInt8Warning,
} from '#shared/engine/pipeline/integer-products.ts';
import type { ReadSystemFile } from '#shared/engine/pipeline/processors.ts';
import { runtimeOptions } from '#shared/engine/pipeline/sessions.ts';

function told(line: string): ReadSystemFile {
  return () => `processor\t: 0\n${line}\nbogomips\t: 5199.99\n`;
}

const SILENT: ReadSystemFile = () => undefined;
const ZEN_4 = told('flags\t\t: fpu avx2 avx512f avx512bw avx512_vnni avx512_bf16');
const HASWELL = told('flags\t\t: fpu sse4_2 fma avx2 bmi2');
const GRAVITON_3 = told('Features\t: fp asimd asimddp sve bf16 i8mm');
const ALDER_LAKE = told('flags\t\t: fpu avx2 avx_vnni');

describe("a processor's instructions for int8", () => {
  it.each([
    ['Zen 4', ZEN_4, true],
    ['Alder Lake', ALDER_LAKE, true],
    ['Graviton 3', GRAVITON_3, true],
    ['Haswell', HASWELL, false],
    ['a system that does not tell', SILENT, undefined],
  ] as const)('are known of %s', (_, read, expected) => {
    expect(hasIntegerProducts(read)).toBe(expected);
  });

  it('are asked for before sums are left to overflow', () => {
    expect(couldOverflow(HASWELL, 'x64')).toBe(true);
    expect(couldOverflow(SILENT, 'x64')).toBe(true);
    expect(couldOverflow(ZEN_4, 'x64')).toBe(false);
    expect(couldOverflow(SILENT, 'arm64')).toBe(false);
    const { extra } = runtimeOptions({ device: 'cpu' }, 1);
    expect(extra?.['session']).toMatchObject({ x64quantprecision: couldOverflow() ? '1' : '0' });
  });

  it('are missed aloud, and only by int8 packages', () => {
    const int8 = { name: 'demo', dtype: 'int8' } as const;
    expect(slowInt8Warning(int8, HASWELL)).toMatch(/^demo is int8, and this processor has no/);
    expect(slowInt8Warning(int8, ZEN_4)).toBeUndefined();
    expect(slowInt8Warning({ ...int8, dtype: 'fp32' }, HASWELL)).toBeUndefined();
  });
});
