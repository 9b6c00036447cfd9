import { assert, FormatError } from '#shared/core/errors.ts';
import { convert } from '#shared/engine/checkpoint/convert.ts';
import { areFinite } from '#shared/engine/checkpoint/finite.ts';
import { quote } from '#shared/engine/checkpoint/quote.ts';
import { DTYPE_BYTES, elementCount, type LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { HashedFile } from './hashed-file.ts';

/** Values converted at a time: few enough to stay in the processor's cache. */
const CHUNK_VALUES = 2 ** 18;
/** Largest element that is read. */
const MAX_ELEMENT_BYTES = 8;
/** Alignment of a weight file's first tensor. */
const DATA_ALIGNMENT = 64;
const LENGTH_BYTES = 8;

const DTYPE = { FLOAT: 'F32', FLOAT16: 'F16', INT8: 'I8' } as const;

/** The layout of a weight file: a safetensors file, so that other tools can read it. */
export interface WeightLayout {
  readonly header: Uint8Array;
  readonly tensors: readonly StoredTensor[];
  /** Where each tensor begins in the file, by its name. */
  readonly offsets: ReadonlyMap<string, number>;
  readonly sizeBytes: number;
}

/** Lays tensors out one after another. */
export function layOutWeights(tensors: readonly StoredTensor[]): WeightLayout {
  const entries: Record<string, unknown> = {};
  const starts = new Map<string, number>();
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += elementCount(tensor.shape) * DTYPE_BYTES[DTYPE[tensor.type]];
    starts.set(tensor.name, begin);
    entries[tensor.name] = {
      dtype: DTYPE[tensor.type],
      shape: tensor.shape,
      data_offsets: [begin, end],
    };
  }
  const text = new TextEncoder().encode(JSON.stringify(entries));
  const dataStart = Math.ceil((LENGTH_BYTES + text.length) / DATA_ALIGNMENT) * DATA_ALIGNMENT;
  const header = new Uint8Array(dataStart).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(dataStart - LENGTH_BYTES), true);
  header.set(text, LENGTH_BYTES);
  const offsets = new Map([...starts].map(([name, start]) => [name, dataStart + start]));
  return { header, tensors, offsets, sizeBytes: dataStart + end };
}

/** Where a tensor's values come from. */
export type SourceOf = (tensor: StoredTensor) => LazyTensor;

/** Bytes written since the last call. Called between chunks; may throw to stop. */
export type OnBytes = (bytes: number) => void;

/**
 * Writes a weight file, a piece of a tensor at a time, so that memory use does not grow with the
 * model.
 */
export async function writeWeights(
  layout: WeightLayout,
  file: HashedFile,
  sourceOf: SourceOf,
  onBytes: OnBytes,
): Promise<void> {
  await file.write(layout.header);
  onBytes(layout.header.length);
  const scratch = new Uint8Array(CHUNK_VALUES * MAX_ELEMENT_BYTES);
  for (const tensor of layout.tensors) {
    const source = sourceOf(tensor);
    const check = (bytes: Uint8Array) => assertFinite(bytes, tensor, source);
    const { compute } = tensor;
    const dtype = DTYPE[tensor.type];
    if (tensor.transposedGroups !== undefined) {
      await writeTransposed(tensor, source, file, onBytes);
    } else if (compute === undefined) {
      assert(dtype !== 'I8', `${tensor.name} is computed`);
      await copyValues(source, dtype, file, { scratch, check, onBytes });
    } else {
      let count = 0;
      for (const { start, rows } of pieces(source)) {
        // int8 could not say that they were NaN.
        if (dtype === 'I8' && !areFinite(bytesOf(rows), 'F32')) throw notFinite(tensor, source);
        const values = compute(rows, start);
        const bytes = dtype === 'I8' ? bytesOf(values) : convert(bytesOf(values), 'F32', dtype);
        check(bytes);
        await file.write(bytes);
        onBytes(bytes.length);
        count += values.length;
      }
      assert(count === elementCount(tensor.shape), `${tensor.name} has its shape`);
    }
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Writes the transposes of a tensor's groups of rows, in int8. */
async function writeTransposed(
  tensor: StoredTensor,
  source: LazyTensor,
  file: HashedFile,
  onBytes: OnBytes,
): Promise<void> {
  const { compute, transposedGroups: groups = 1 } = tensor;
  assert(compute !== undefined, `${tensor.name} is computed`);
  const [rows = 1, ...rest] = source.shape;
  const columns = elementCount(rest);
  const height = rows / groups;
  for (let group = 0; group < groups; group += 1) {
    const target = new Int8Array(height * columns);
    let done = 0;
    for (const { start, rows: piece } of pieces(source, group * height, (group + 1) * height)) {
      if (!areFinite(bytesOf(piece), 'F32')) throw notFinite(tensor, source);
      const values = compute(piece, start);
      const count = values.length / columns;
      for (let column = 0; column < columns; column += 1) {
        const first = column * height + done;
        for (let row = 0; row < count; row += 1) {
          target[first + row] = values[row * columns + column] as number;
        }
      }
      done += count;
    }
    assert(done === height, `${tensor.name} has its shape`);
    await file.write(bytesOf(target));
    onBytes(target.length);
  }
}

interface CopyOptions {
  readonly scratch: Uint8Array;
  /** Called with all bytes before they are written; may throw. */
  readonly check: (bytes: Uint8Array) => void;
  readonly onBytes: OnBytes;
}

async function copyValues(
  tensor: LazyTensor,
  dtype: 'F32' | 'F16',
  file: HashedFile,
  { scratch, check, onBytes }: CopyOptions,
): Promise<void> {
  const count = elementCount(tensor.shape);
  for (let start = 0; start < count; start += CHUNK_VALUES) {
    const end = Math.min(start + CHUNK_VALUES, count);
    const length = (end - start) * DTYPE_BYTES[dtype];
    await file.append(length, (room) => {
      if (tensor.dtype === dtype) tensor.read(start, end, room);
      else convert(tensor.read(start, end, scratch), tensor.dtype, dtype, room);
      check(room);
    });
    onBytes(length);
  }
}

/** @throws FormatError naming the tensor if any of the values to store is NaN or infinite */
function assertFinite(bytes: Uint8Array, tensor: StoredTensor, source: LazyTensor): void {
  const dtype = DTYPE[tensor.type];
  if (dtype !== 'I8' && !areFinite(bytes, dtype)) throw notFinite(tensor, source);
}

function notFinite(tensor: StoredTensor, source: LazyTensor): FormatError {
  const name = `tensor ${quote(tensor.source.name)} of ${tensor.source.part}`;
  return new FormatError(source.file, `${name} ${faultOf(source)}`);
}

/** What is wrong with a tensor whose stored values are not finite. */
function faultOf(source: LazyTensor): string {
  for (let start = 0; start < elementCount(source.shape); start += CHUNK_VALUES) {
    const end = Math.min(start + CHUNK_VALUES, elementCount(source.shape));
    const values = convert(source.read(start, end), source.dtype, 'F32');
    if (!areFinite(values, 'F32')) return 'holds NaN or infinity: the file is damaged';
  }
  return 'holds values that overflow in float16; import it with --dtype fp32';
}

/**
 * Checks a tensor that stays in its file.
 *
 * @throws FormatError naming it if any value is NaN or infinite
 */
export function assertFiniteSource(tensor: StoredTensor, source: LazyTensor): void {
  const count = elementCount(tensor.shape);
  for (let start = 0; start < count; start += CHUNK_VALUES) {
    assertFinite(source.read(start, Math.min(start + CHUNK_VALUES, count)), tensor, source);
  }
}

/** A few rows of a tensor at a time: all of a wide convolution would take hundreds of megabytes. */
function* pieces(
  tensor: LazyTensor,
  start = 0,
  end = tensor.shape[0] ?? 1,
): Generator<{ readonly start: number; readonly rows: Float32Array }> {
  const perRow = elementCount(tensor.shape.slice(1));
  const step = Math.max(1, Math.floor(CHUNK_VALUES / perRow));
  for (let row = start; row < end; row += step) {
    const rows = readFloats(tensor, row * perRow, Math.min(row + step, end) * perRow);
    yield { start: row, rows };
  }
}

function readFloats(tensor: LazyTensor, start: number, end: number): Float32Array {
  const bytes = convert(tensor.read(start, end), tensor.dtype, 'F32');
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, end - start);
}
