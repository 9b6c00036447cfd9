/** A value as CBOR (RFC 8949) has it: no fractions, no indefinite lengths. */
export type Cbor =
  | number
  | string
  | Uint8Array
  | null
  | readonly Cbor[]
  | ReadonlyMap<number, Cbor>
  | { readonly [name: string]: Cbor };

/** The value's bytes; maps keep the order of their entries. */
export function cbor(value: Cbor): Buffer {
  if (value === null) return Buffer.of(0xf6);
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([head(3, bytes.length), bytes]);
  }
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  const entries: (readonly [string | number, Cbor])[] =
    value instanceof Map ? [...value] : Object.entries(value);
  return Buffer.concat([head(5, entries.length), ...entries.flat().map(cbor)]);
}

/** The value's bytes under a tag. */
export function taggedCbor(tag: number, value: Cbor): Buffer {
  return Buffer.concat([head(6, tag), cbor(value)]);
}

const isArray = (value: Cbor): value is readonly Cbor[] => Array.isArray(value);

/** The first bytes of an item: its major type, and its length or value. */
function head(major: number, value: number): Buffer {
  const type = major << 5;
  if (value < 24) return Buffer.of(type | value);
  if (value < 0x100) return Buffer.of(type | 24, value);
  const long = value >= 0x1_0000;
  const bytes = Buffer.of(type | (long ? 26 : 25), 0, 0, 0, 0);
  if (long) bytes.writeUInt32BE(value, 1);
  else bytes.writeUInt16BE(value, 1);
  return long ? bytes : bytes.subarray(0, 3);
}
