import { describe, expect, it } from 'vitest';
import { readSafetensors } from '#shared/engine/checkpoint/safetensors.ts';
import { memorySource } from '#test/helpers/memory-source.ts';
import { encodeSafetensors, withHeader } from '#test/helpers/write-safetensors.ts';

const DATA = Uint8Array.from({ length: 16 }, (_, index) => index);
const F32 = '"dtype":"F32","shape":[4],"data_offsets":[0,16]';

function read(bytes: Uint8Array) {
  return readSafetensors(memorySource(bytes, 'a.safetensors'));
}

describe('readSafetensors', () => {
  it('gives tensors of every type, lazily, with their places in the file', () => {
    const dtypes = { F64: 2, F32: 4, F16: 8, BF16: 8, I64: 2, I32: 4, I16: 8, I8: 16, U8: 16 };
    const file = encodeSafetensors(
      {
        ...Object.fromEntries(
          Object.entries(dtypes).map(([dtype, count]) => [
            dtype,
            { dtype: dtype as keyof typeof dtypes, shape: [count], bytes: DATA },
          ]),
        ),
        BOOL: { dtype: 'BOOL', shape: [4, 4], bytes: DATA },
        scalar: { dtype: 'F32', shape: [], bytes: DATA.subarray(0, 4) },
        empty: { dtype: 'F16', shape: [0, 7], bytes: DATA.subarray(0, 0) },
      },
      { prompt: 'A photo of a dog.' },
    );
    const { tensors, metadata } = read(file);
    expect(metadata.get('prompt')).toBe('A photo of a dog.');
    expect(tensors.size).toBe(12);
    for (const tensor of tensors.values()) {
      const bytes = tensor.read();
      expect(bytes).toEqual(DATA.subarray(0, tensor.byteLength));
      const offset = tensor.offset ?? Number.NaN;
      expect(file.subarray(offset, offset + tensor.byteLength)).toEqual(bytes);
    }
    expect(tensors.get('F16')?.read(2, 4)).toEqual(DATA.subarray(4, 8));
    const reused = new Uint8Array(100);
    expect(tensors.get('I32')?.read(1, 2, reused).buffer).toBe(reused.buffer);
    expect([...reused.subarray(0, 5)]).toEqual([4, 5, 6, 7, 0]);
  });

  it('takes a header that is padded with blanks', () => {
    expect(read(withHeader(`{"a":{${F32}}}    `, DATA)).tensors.get('a')?.shape).toEqual([4]);
  });

  it('takes names that only look like structure', () => {
    const name = 'a":{[\\';
    const file = encodeSafetensors({ [name]: { dtype: 'F32', shape: [4], bytes: DATA } });
    expect(read(file).tensors.get(name)?.shape).toEqual([4]);
  });

  it.each([
    ['a file of three bytes', Uint8Array.of(1, 2, 3), /truncated/],
    ['a header that is no object', withHeader('[]'), /not a JSON object/],
    ['a header that is not UTF-8', new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), /UTF-8/],
    ['a field given twice', withHeader(`{"a":{"dtype":"F16",${F32}}}`, DATA), /field.*twice/],
    ['an entry that is no object', withHeader('{"a":[1]}'), /"a" is not described/],
    ['a shape of fractions', withHeader(`{"a":{${F32.replace('[4]', '[4.5]')}}}`, DATA), /shape/],
    ['one offset', withHeader(`{"a":{${F32.replace('0,16', '16')}}}`, DATA), /offsets/],
    ['metadata of numbers', withHeader('{"__metadata__":{"a":1}}'), /metadata "a"/],
    ['bytes after the last tensor', withHeader(`{"a":{${F32}}}`, DATA, DATA), /16 bytes after/],
    ['nesting without end', withHeader(`{"a":${'['.repeat(1_000_000)}`), /deeper values/],
    ['an unended text', withHeader('{"a'), /not JSON/],
    ['too many names', withHeader(`{${'"a":1,'.repeat(70_000)}"b":1}`), /70001 tensors/],
    ['too many fields', withHeader(`{"a":{${'"b":1,'.repeat(400_000)}"c":1}}`), /400001 fields/],
    ['a shape of 17 sizes', withHeader(`{"a":{"shape":[${'1,'.repeat(16)}1]}}`), /over 16 sizes/],
    ['a line break in a name', withHeader('{"a\\nb":3}'), /"a\\u\{a\}b"/],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => read(bytes)).toThrow(reason);
  });

  it('refuses a file cut at any byte', () => {
    const whole = encodeSafetensors({ a: { dtype: 'F32', shape: [4], bytes: DATA } });
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow(/a\.safetensors: /);
    }
  });
});
