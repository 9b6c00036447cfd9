import { describe, expect, it } from 'vitest';
import { readTorchZip } from '#shared/engine/checkpoint/torch-zip.ts';
import { memorySource } from '#test/helpers/memory-source.ts';
import { encodeTorchFile, PickleWriter, type TorchTensor } from '#test/helpers/torch-file.ts';
import { encodeZip } from '#test/helpers/zip-archive.ts';

const BYTES = Uint8Array.from({ length: 24 }, (_, index) => index);
const PLAIN: TorchTensor = { dtype: 'F16', shape: [3, 4], bytes: BYTES };
/** Sizes whose product is no number. */
const HUGE = Array.from({ length: 25 }, () => 2 ** 52);

function read(bytes: Uint8Array) {
  return readTorchZip(memorySource(bytes)).tensors;
}

/** A file whose pickle is given; its one storage, "0", has 24 bytes. */
function withPickle(pickle: Uint8Array, ...more: { name: string; content: Uint8Array }[]) {
  return encodeZip([
    { name: 'm/data.pkl', content: pickle },
    { name: 'm/data/0', content: BYTES },
    ...more,
  ]);
}

describe('readTorchZip', () => {
  it.each([{}, { zip64: true, paddingBytes: 13 }])('reads a state dict (%o)', (options) => {
    const tensors = read(
      encodeTorchFile({ 'a.weight': PLAIN, b: { ...PLAIN, shape: [12] } }, options),
    );
    expect([...tensors.keys()]).toEqual(['a.weight', 'b']);
    expect(tensors.get('a.weight')).toMatchObject({ dtype: 'F16', shape: [3, 4], byteLength: 24 });
    expect(tensors.get('b')?.read(1, 3)).toEqual(BYTES.subarray(2, 6));
  });

  it('gives transposed and repeated values in row-major order, in any pieces', () => {
    const tensors = read(
      encodeTorchFile({
        transposed: { dtype: 'U8', shape: [4, 6], strides: [1, 4], bytes: BYTES },
        repeated: { dtype: 'U8', shape: [2, 3], strides: [0, 1], offset: 5, bytes: BYTES },
        column: { dtype: 'U8', shape: [3, 1], strides: [1, 99], offset: 21, bytes: BYTES },
      }),
    );
    const transposed = tensors.get('transposed');
    const expected = BYTES.map((_, index) => (index % 6) * 4 + Math.floor(index / 6));
    expect(transposed?.offset).toBeUndefined();
    expect(transposed?.read()).toEqual(expected);
    for (let start = 0; start <= 24; start++) {
      expect(transposed?.read(start, 24)).toEqual(expected.subarray(start));
      expect(transposed?.read(0, start)).toEqual(expected.subarray(0, start));
    }
    expect([...(tensors.get('repeated')?.read() ?? [])]).toEqual([5, 6, 7, 5, 6, 7]);
    expect(tensors.get('column')?.offset).toBeDefined();
    expect([...(tensors.get('column')?.read() ?? [])]).toEqual([21, 22, 23]);
  });

  it('finds tensors below a wrapper, but not between two', () => {
    const wrap = (...names: string[]) => {
      const writer = new PickleWriter().raw(0x7d, 0x28).text('epoch').integer(3);
      for (const name of names) {
        writer
          .text(name)
          .raw(0x7d, 0x28)
          .text(`of ${name}`)
          .global('torch._utils', '_rebuild_tensor_v2');
        writer.raw(0x28).storage('HalfStorage', '0', 12).integer(0).integers([12]).integers([1]);
        writer.raw(0x89).global('collections', 'OrderedDict').raw(0x29, 0x52, 0x74, 0x52, 0x75);
      }
      return withPickle(writer.raw(0x75).stop());
    };
    expect([...read(wrap('params')).keys()]).toEqual(['of params']);
    expect([...read(wrap('ema', 'state_dict')).keys()]).toEqual(['of state_dict']);
    expect(() => read(wrap('ema', 'model'))).toThrow(/2 mappings/);
    expect(() => read(wrap())).toThrow(/no mapping/);
  });

  it.each<[string, TorchTensor, RegExp]>([
    ['an end beyond the storage', { ...PLAIN, offset: 1 }, /reaches to element 13 of .* 12/],
    ['strides beyond the storage', { ...PLAIN, strides: [5, 1] }, /reaches to element 14/],
    ['strides that overflow', { ...PLAIN, strides: [2 ** 53 - 1, 1] }, /reaches to/],
    ['fewer strides than sizes', { ...PLAIN, strides: [1] }, /impossible sizes/],
    ['negative strides', { ...PLAIN, strides: [-4, 1], offset: 8 }, /impossible sizes/],
    ['a repetition without end', { ...PLAIN, shape: [2 ** 50], strides: [0] }, /impossible shape/],
    [
      'nothing times everything',
      { ...PLAIN, shape: [...HUGE, 0], strides: [...HUGE, 1] },
      /impossible/,
    ],
  ])('refuses a tensor with %s', (_, tensor, reason) => {
    expect(() => read(encodeTorchFile({ a: tensor }))).toThrow(reason);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an eval', new PickleWriter().global('builtins', 'eval').stop(), /"builtins\.eval"/],
    [
      'a complex storage',
      new PickleWriter().storage('ComplexFloatStorage', '0', 1).stop(),
      /Complex/,
    ],
    [
      'a call of a storage class',
      new PickleWriter().global('torch', 'HalfStorage').raw(0x29, 0x52).stop(),
      /call of "torch\.HalfStorage"/,
    ],
    ['an INST opcode', new PickleWriter().raw(0x28, 0x69).stop(), /opcode 0x69/],
    ['two values at the end', new PickleWriter().raw(0x4e, 0x4e).stop(), /leaves 2 values/],
    ['a pickle without an end', new PickleWriter().raw(0x4e).stop().subarray(0, -1), /truncated/],
    ['a memo that was never stored', new PickleWriter().raw(0x68, 9).stop(), /no memo 9/],
    ['a pop below a mark', new PickleWriter().raw(0x4e, 0x28, 0x85).stop(), /underflow/],
    [
      'a text longer than the file',
      new PickleWriter().raw(0x58, 255, 255, 15, 0).stop(),
      /truncated/,
    ],
    [
      'a text of gigabytes',
      new PickleWriter().raw(0x58, 255, 255, 255, 255).stop(),
      /text of 4294967295/,
    ],
    ['a list for a state dict', new PickleWriter().raw(0x5d).stop(), /no state dict/],
    ['a protocol from the future', new PickleWriter().raw(0x80, 99).stop(), /protocol 99/],
  ])('refuses %s', (_, pickle, reason) => {
    expect(() => read(withPickle(pickle))).toThrow(reason);
  });

  it('refuses tuples in tuples without end', () => {
    const pickle = new PickleWriter().raw(0x29).stop();
    const nested = Buffer.concat([
      pickle.subarray(0, -1),
      Buffer.alloc(500_000, 0x85),
      pickle.subarray(-1),
    ]);
    expect(() => read(withPickle(nested))).toThrow(/more than 500000 operations/);
  });

  it('refuses programs', () => {
    const file = withPickle(new PickleWriter().dict([['a', PLAIN]]).stop(), {
      name: 'm/constants.pkl',
      content: BYTES,
    });
    expect(() => read(file)).toThrow(/TorchScript/);
  });
});
