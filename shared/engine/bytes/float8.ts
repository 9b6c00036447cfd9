/** Eight-bit floats of machine learning (https://arxiv.org/abs/2209.05433), widened exactly. */
export type Float8 = 'F8_E4M3' | 'F8_E5M2';

const tables = new Map<Float8, Float32Array>();

/** The value of every byte. */
function tableOf(type: Float8): Float32Array {
  const known = tables.get(type);
  if (known !== undefined) return known;
  const table = Float32Array.from({ length: 256 }, (_, byte) =>
    type === 'F8_E4M3' ? e4m3(byte) : e5m2(byte),
  );
  tables.set(type, table);
  return table;
}

/** Four bits of exponent, three of mantissa, no infinity: all ones are NaN. */
function e4m3(byte: number): number {
  if ((byte & 0x7f) === 0x7f) return Number.NaN;
  return small(byte, (byte >> 3) & 0xf, (byte & 7) / 8, 7);
}

/** A half without its lower byte. */
function e5m2(byte: number): number {
  const [exponent, mantissa] = [(byte >> 2) & 0x1f, (byte & 3) / 4];
  if (exponent < 0x1f) return small(byte, exponent, mantissa, 15);
  if (mantissa !== 0) return Number.NaN;
  return byte < 0x80 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

function small(byte: number, exponent: number, mantissa: number, bias: number): number {
  const magnitude =
    exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias);
  return byte < 0x80 ? magnitude : -magnitude;
}

/** @param target gets `source.length` floats; may be longer */
export function float8ToFloat(source: Uint8Array, type: Float8, target: Float32Array): void {
  const table = tableOf(type);
  for (let i = 0; i < source.length; i++) target[i] = table[source[i] as number] as number;
}
