import { describe, expect, it } from 'vitest';
import { createUlid, isUlid, type RandomBytes, ulidTime } from '#shared/core/ids.ts';

const at = (time: number) => ({ now: () => time });

describe('ids', () => {
  it('of one millisecond are in the order in which they were made', () => {
    const bytes: RandomBytes = (length) => Uint8Array.from({ length }, (_, i) => i * 7);
    const ids = Array.from({ length: 100 }, () => createUlid(at(1000), bytes));
    expect(new Set(ids).size).toBe(100);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.every((id) => isUlid(id) && ulidTime(id) === 1000)).toBe(true);
    expect(createUlid(at(1001), bytes) > (ids.at(-1) ?? '')).toBe(true);
  });

  it('carry over, and begin anew after the last', () => {
    const zs: RandomBytes = (length) => new Uint8Array(length).fill(31);
    const almost: RandomBytes = (length) => Uint8Array.from({ length }, (_, i) => (i < 2 ? 1 : 31));
    createUlid(at(1), almost);
    expect(createUlid(at(1), almost).slice(10)).toBe(`12${'0'.repeat(14)}`);
    expect(createUlid(at(1), zs)).toBe(createUlid(at(1), zs));
  });
});
