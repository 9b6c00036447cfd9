import type { Picture, Stages } from '#shared/engine/pipeline/pipeline.ts';
import type { EdgeTensor } from '#shared/engine/pipeline/sessions.ts';

/** Stages that the prompt and the size alone decide: one row serves every picture. */
const SHARED = ['ids_1', 'ids_2', 'context', 'pooled', 'time_ids', 'timestep'] as const;
const PER_PICTURE = ['latents_in', 'unet_in', 'vae_in'] as const;

/**
 * The tensors between the stages as a safetensors file, under the names of diffusers' call; `pixels`
 * is uint8 `[N, H, W, 3]`.
 *
 * @param pictures the pictures of one order, at least one
 */
export function dumpStages(pictures: readonly Picture[]): Uint8Array {
  const tensors = new Map<keyof Stages | 'pixels', EdgeTensor>();
  const [first] = pictures;
  if (first === undefined) throw new Error('There is nothing to dump');
  for (const name of SHARED) tensors.set(name, first.stages[name]);
  for (const name of PER_PICTURE) {
    tensors.set(name, stackRows(pictures.map(({ stages }) => stages[name])));
  }
  const pixels = pictures.map(({ pixels, height, width }) => ({
    data: pixels,
    dims: [1, height, width, 3],
  }));
  tensors.set('pixels', stackRows(pixels));
  return encodeSafetensors(tensors);
}

function stackRows(rows: readonly EdgeTensor[]): EdgeTensor {
  const parts = rows.map(({ data }) => bytesOf(data));
  return {
    data: viewAs(rows[0]?.data, Buffer.concat(parts)),
    dims: [rows.length, ...(rows[0]?.dims.slice(1) ?? [])],
  };
}

function viewAs(like: EdgeTensor['data'] | undefined, bytes: Buffer): EdgeTensor['data'] {
  // A copy, since a pooled buffer need not begin at a multiple of four.
  const { buffer } = new Uint8Array(bytes);
  if (like instanceof Float32Array) return new Float32Array(buffer);
  return like instanceof Int32Array ? new Int32Array(buffer) : new Uint8Array(buffer);
}

function bytesOf(data: EdgeTensor['data']): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Length of the header, header as JSON, values (https://github.com/huggingface/safetensors). */
function encodeSafetensors(tensors: ReadonlyMap<string, EdgeTensor>): Uint8Array {
  const header: Record<
    string,
    { dtype: string; shape: readonly number[]; data_offsets: number[] }
  > = {};
  let offset = 0;
  // Widest elements first, so that every tensor is aligned.
  const sorted = [...tensors].sort(
    ([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT,
  );
  for (const [name, { data, dims }] of sorted) {
    const end = offset + data.byteLength;
    header[name] = { dtype: dtypeOf(data), shape: dims, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...sorted.map(([, { data }]) => bytesOf(data))]);
}

function dtypeOf(data: EdgeTensor['data']): 'F32' | 'I32' | 'U8' {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Int32Array ? 'I32' : 'U8';
}
