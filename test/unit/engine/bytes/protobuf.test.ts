import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from '#shared/engine/bytes/protobuf.ts';

const hex = (write: (writer: ProtobufWriter) => void): string => {
  const writer = new ProtobufWriter();
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
};

describe('ProtobufWriter', () => {
  // Examples of https://protobuf.dev/programming-guides/encoding.
  it.each([
    ['field 1: 150', (w: ProtobufWriter) => w.int(1, 150), '089601'],
    ['field 2: "testing"', (w: ProtobufWriter) => w.string(2, 'testing'), '120774657374696e67'],
    [
      'field 3: a message with 150',
      (w: ProtobufWriter) => w.message(3, (m) => m.int(1, 150)),
      '1a03089601',
    ],
    ['field 6: packed', (w: ProtobufWriter) => w.ints(6, [3, 270, 86942]), '3206038e029ea705'],
    ['zero', (w: ProtobufWriter) => w.int(1, 0), '0800'],
    ['minus two', (w: ProtobufWriter) => w.int(1, -2), '08feffffffffffffffff01'],
    ['a field above 15', (w: ProtobufWriter) => w.int(20, 1), 'a00101'],
    ['a float', (w: ProtobufWriter) => w.float(2, 1.5), '150000c03f'],
    ['packed floats', (w: ProtobufWriter) => w.floats(7, [1]), '3a040000803f'],
  ] as const)('encodes %s', (_, write, expected) => {
    expect(hex(write)).toBe(expected);
  });

  it('encodes numbers beyond 2³² and 64-bit bounds', () => {
    expect(hex((w) => w.int(1, 2 ** 40))).toBe('08808080808020');
    expect(hex((w) => w.int(1, 2n ** 63n - 1n))).toBe('08ffffffffffffffff7f');
    expect(hex((w) => w.int(1, -(2n ** 63n)))).toBe('0880808080808080808001');
  });

  it('grows with what is written to it', () => {
    const long = new Uint8Array(10_000).fill(7);
    const bytes = new ProtobufWriter().bytes(1, long).bytes(2, long).finish();
    expect(bytes.length).toBe(2 * (1 + 2 + long.length));
    expect(bytes.at(-1)).toBe(7);
  });
});
