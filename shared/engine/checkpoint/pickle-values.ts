import type { Dtype } from './tensor.ts';

/** A storage by its persistent id: bytes in another member of the archive. */
export interface StorageValue {
  readonly kind: 'storage';
  readonly dtype: Dtype;
  /** The member's name under `data/`. */
  readonly key: string;
  /** How many elements it has. */
  readonly count: number;
}

/** A call of `torch._utils._rebuild_tensor_v2`, as data. Strides and offset are in elements. */
export interface TensorValue {
  readonly kind: 'tensor';
  readonly storage: StorageValue;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** What a pickle can hold, as plain data. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | StorageValue
  | TensorValue
  /** A name that may occur in a pickle; it stands for itself and is never looked up or called. */
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'dict'; readonly entries: Map<PickleValue, PickleValue> }
  | { readonly kind: 'list'; readonly items: PickleValue[] }
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  /** A value that no tensor needs (a set, a `torch.Size`): only its presence is kept. */
  | { readonly kind: 'opaque' };

/** The storage classes of torch and the type of their elements. */
const STORAGE_TYPES: ReadonlyMap<string, Dtype> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

export const ORDERED_DICT = 'collections.OrderedDict';
export const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
export const REBUILD_PARAMETER = 'torch._utils._rebuild_parameter';

/** Harmless names in training checkpoints; the values that they make stay opaque. */
const PLAIN_NAMES: ReadonlySet<string> = new Set([
  'torch.Size',
  'torch.device',
  'builtins.set',
  '__builtin__.set',
  '_codecs.encode',
  ...['float64', 'float32', 'float16', 'bfloat16'].map((name) => `torch.${name}`),
  ...['int64', 'int32', 'int16', 'int8', 'uint8', 'bool'].map((name) => `torch.${name}`),
]);

/** Whether a pickle may contain this name; all others are refused. */
export function isAllowedGlobal(name: string): boolean {
  return (
    STORAGE_TYPES.has(name) ||
    PLAIN_NAMES.has(name) ||
    name === ORDERED_DICT ||
    name === REBUILD_TENSOR ||
    name === REBUILD_PARAMETER
  );
}

/**
 * A call of an allowed global, as data; undefined if its arguments don't fit.
 * Signatures: `OrderedDict()`, `_rebuild_tensor_v2(storage, offset, size, stride, …)`,
 * `_rebuild_parameter(tensor, requires_grad, hooks)`.
 */
export function reduce(callee: string, args: readonly PickleValue[]): PickleValue | undefined {
  if (PLAIN_NAMES.has(callee)) return { kind: 'opaque' };
  const [first, offset, shape, strides] = args;
  switch (callee) {
    case ORDERED_DICT:
      return args.length === 0 ? { kind: 'dict', entries: new Map() } : undefined;
    case REBUILD_PARAMETER:
      return isKind(first, 'tensor') ? first : undefined;
    case REBUILD_TENSOR: {
      if (!isKind(first, 'storage') || !isCount(offset)) return undefined;
      const sizes = countsOf(shape);
      const steps = countsOf(strides);
      if (sizes === undefined || steps?.length !== sizes.length) return undefined;
      return { kind: 'tensor', storage: first, offset, shape: sizes, strides: steps };
    }
    default:
      return undefined;
  }
}

/** A persistent id `('storage', type, key, location, count)` as data; undefined if it isn't one. */
export function storageOf(id: PickleValue): StorageValue | undefined {
  if (!isKind(id, 'tuple') || id.items.length !== 5) return undefined;
  const [tag, type, key, location, count] = id.items;
  const dtype = isKind(type, 'global') ? STORAGE_TYPES.get(type.name) : undefined;
  if (tag !== 'storage' || dtype === undefined || typeof location !== 'string') return undefined;
  if (typeof key !== 'string' || !isCount(count)) return undefined;
  return { kind: 'storage', dtype, key, count };
}

type ValueOf<K extends string> = Extract<PickleValue, { readonly kind: K }>;

export function isKind<K extends ValueOf<string>['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is ValueOf<K> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function countsOf(value: PickleValue | undefined): number[] | undefined {
  return isKind(value, 'tuple') && value.items.every(isCount) ? [...value.items] : undefined;
}
