import { readFileSync } from 'node:fs';

export interface FixtureTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Reads a small safetensors file whole: what a test compares with, so by code of its own. */
export function readSafetensors(path: string): {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, FixtureTensor>>;
} {
  const bytes = readFileSync(path);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> =
    JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  const { __metadata__: metadata, ...entries } = header;
  const tensors: Record<string, FixtureTensor> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const [start, end] = entry.data_offsets;
    const data = new Uint8Array(bytes.subarray(8 + headerBytes + start, 8 + headerBytes + end));
    tensors[name] = { dtype: entry.dtype, shape: entry.shape, values: view(entry.dtype, data) };
  }
  return { metadata: (metadata ?? {}) as unknown as Record<string, string>, tensors };
}

function view(dtype: string, data: Uint8Array): FixtureTensor['values'] {
  if (dtype === 'F32') return new Float32Array(data.buffer);
  if (dtype === 'I32') return new Int32Array(data.buffer);
  if (dtype === 'U8') return data;
  throw new Error(`No fixture holds ${dtype}`);
}
