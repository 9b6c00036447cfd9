import { describe, expect, it } from 'vitest';
import { readZip } from '#shared/engine/checkpoint/zip.ts';
import { memorySource } from '#test/helpers/memory-source.ts';
import { type ArchiveMember, type ArchiveOptions, encodeZip } from '#test/helpers/zip-archive.ts';

const A: ArchiveMember = { name: 'x/a', content: Uint8Array.of(1, 2, 3) };
const B: ArchiveMember = { name: 'x/b', content: Uint8Array.of(4, 5, 6, 7) };

function contents(bytes: Uint8Array): Record<string, number[]> {
  const members = [...readZip(memorySource(bytes)).values()];
  return Object.fromEntries(
    members.map(({ name, offset, sizeBytes }) => [
      name,
      [...bytes.subarray(offset, offset + sizeBytes)],
    ]),
  );
}

describe('readZip', () => {
  it.each<[string, ArchiveOptions]>([
    ['a plain archive', {}],
    ['zip64 sizes, places and counts', { zip64: true }],
    ['padding that only the local headers tell', { paddingBytes: 45 }],
    ['zip64 with padding', { zip64: true, paddingBytes: 7 }],
    ['a comment that looks like another end', { comment: 'PK\x05\x06 nothing' }],
  ])('finds the members of %s', (_, options) => {
    expect(contents(encodeZip([A, B], options))).toEqual({ 'x/a': [1, 2, 3], 'x/b': [4, 5, 6, 7] });
  });

  it('takes sizes from the directory where a data descriptor follows', () => {
    const member = { ...A, flags: 8, localSizeBytes: 0 };
    expect(contents(encodeZip([member]))).toEqual({ 'x/a': [1, 2, 3] });
  });

  it.each<[string, readonly ArchiveMember[], ArchiveOptions, RegExp]>([
    ['two members of one name', [A, { ...B, name: 'x/a' }], {}, /two members named "x\/a"/],
    ['two members at one place', [A, { ...B, localOffset: 0 }], {}, /3 bytes by its header, 4/],
    ['members that overlap', [{ ...A, centralSizeBytes: 9, localSizeBytes: 9 }, B], {}, /overlaps/],
    ['encryption', [{ ...A, flags: 1 }], {}, /encrypted member "x\/a"/],
    ['compression', [{ ...A, method: 8 }], {}, /compressed member "x\/a"/],
    ['sizes that disagree', [{ ...A, localSizeBytes: 2 }], {}, /2 bytes by its header, 3/],
    ['names that disagree', [{ ...A, localName: 'x/c' }], {}, /another name/],
    ['a header elsewhere', [{ ...A, localOffset: 1 }], {}, /no header where/],
    ['a place beyond the directory', [{ ...A, localOffset: 4000 }], {}, /beyond/],
    [
      'a size beyond the directory',
      [{ ...A, centralSizeBytes: 4000, localSizeBytes: 4000 }],
      {},
      /truncated/,
    ],
    ['a split archive', [A], { disk: 1 }, /split/],
    ['no members', [], {}, /without members/],
  ])('refuses %s', (_, members, options, reason) => {
    expect(() => contents(encodeZip(members, options))).toThrow(reason);
  });

  it('refuses an archive cut at any byte', () => {
    for (const options of [{}, { zip64: true }]) {
      const whole = encodeZip([A, B], options);
      for (let length = 0; length < whole.length; length++) {
        expect(() => contents(whole.subarray(0, length))).toThrow(/memory\.bin: /);
      }
    }
  });
});
