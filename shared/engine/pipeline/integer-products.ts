import type { Manifest } from '#shared/engine/package/manifest.ts';
import { type ReadSystemFile, readSystemFile } from './processors.ts';

/** Instructions for products of int8 that sum to 32 bits, as Linux names them: on x64, on Arm. */
const FAST = /\b(avx512_vnni|avx_vnni|amx_int8|i8mm)\b/;

/**
 * Whether this processor has instructions for products of int8; undefined where the system does not tell.
 */
export function hasIntegerProducts(read: ReadSystemFile = readSystemFile): boolean | undefined {
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1];
  return flags === undefined ? undefined : FAST.test(flags);
}

/**
 * Whether sums of products of int8 could overflow here: on x64 without those instructions, ONNX Runtime
 * adds two products in 16 bits, unless it is told to use a slower way.
 */
export const couldOverflow = (
  read: ReadSystemFile = readSystemFile,
  architecture: string = process.arch,
): boolean => architecture === 'x64' && hasIntegerProducts(read) !== true;

/** What to tell the user of an int8 package on a processor that gains nothing from it. */
export const slowInt8Warning = (
  { name, dtype }: Pick<Manifest, 'name' | 'dtype'>,
  read: ReadSystemFile = readSystemFile,
): string | undefined =>
  dtype === 'int8' && hasIntegerProducts(read) === false
    ? `${name} is int8, and this processor has no instructions for that (AVX512-VNNI, AVX-VNNI, AMX or I8MM): expect no gain over fp32.`
    : undefined;
