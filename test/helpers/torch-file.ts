import type { RawTensor } from './write-safetensors.ts';
import { type ArchiveOptions, encodeZip } from './zip-archive.ts';

const STORAGES: Readonly<Record<string, string>> = {
  F64: 'DoubleStorage',
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  U8: 'ByteStorage',
};
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U8: 1,
};

/** A tensor of a torch file; without strides it is contiguous. */
export interface TorchTensor extends RawTensor {
  readonly strides?: readonly number[];
  readonly offset?: number;
}

/** What `torch.save` would write for a dictionary of tensors. */
export function encodeTorchFile(
  tensors: Readonly<Record<string, TorchTensor>>,
  options: ArchiveOptions = {},
): Uint8Array {
  const pickle = new PickleWriter().dict(Object.entries(tensors)).stop();
  const data = Object.values(tensors).map(({ bytes }, index) => ({
    name: `archive/data/${index}`,
    content: bytes,
  }));
  return encodeZip([{ name: 'archive/data.pkl', content: pickle }, ...data], options);
}

/** Writes the opcodes that a test needs, one method each; protocol 2. */
export class PickleWriter {
  readonly #parts: Buffer[] = [Buffer.from([0x80, 2])];
  #storages = 0;

  raw(...bytes: readonly number[]): this {
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  text(value: string): this {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    this.#parts.push(Buffer.from('X'), length, bytes);
    return this;
  }

  /** LONG1, so that any size fits. */
  integer(value: number | bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return this.raw(0x8a, 8, ...bytes);
  }

  global(module: string, name: string): this {
    this.#parts.push(Buffer.from(`c${module}\n${name}\n`));
    return this;
  }

  integers(values: readonly (number | bigint)[]): this {
    this.raw(0x28);
    for (const value of values) this.integer(value);
    return this.raw(0x74);
  }

  storage(type: string, key: string, count: number | bigint): this {
    this.raw(0x28).text('storage').global('torch', type).text(key).text('cpu');
    return this.integer(count).raw(0x74, 0x51);
  }

  tensor(tensor: TorchTensor): this {
    const count = tensor.bytes.length / (ELEMENT_BYTES[tensor.dtype] ?? 1);
    this.global('torch._utils', '_rebuild_tensor_v2').raw(0x28);
    this.storage(STORAGES[tensor.dtype] ?? '', String(this.#storages++), count);
    this.integer(tensor.offset ?? 0).integers(tensor.shape);
    this.integers(tensor.strides ?? contiguous(tensor.shape)).raw(0x89);
    return this.global('collections', 'OrderedDict').raw(0x29, 0x52, 0x74, 0x52);
  }

  dict(entries: readonly (readonly [string, TorchTensor])[]): this {
    this.raw(0x7d, 0x28);
    for (const [name, tensor] of entries) this.text(name).tensor(tensor);
    return this.raw(0x75);
  }

  stop(): Uint8Array {
    this.raw(0x2e);
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}

function contiguous(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}
