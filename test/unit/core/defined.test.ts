import { describe, expect, expectTypeOf, it } from 'vitest';
import { defined } from '#shared/core/defined.ts';

describe('defined', () => {
  it('leaves out what is undefined, and nothing else', () => {
    const members = { a: undefined, b: null, c: 0, d: '', e: false, f: Number.NaN };
    const kept = defined(members);
    expect(Object.keys(kept)).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(kept).toEqual({ b: null, c: 0, d: '', e: false, f: Number.NaN });
    expect(Object.keys(members)).toHaveLength(6);
  });

  it('makes a member optional exactly if it may be undefined', () => {
    const text: string | undefined = process.argv.length > 0 ? undefined : 'text';
    const kept: { a?: string; b: number } = defined({ a: text as string | undefined, b: 1 });
    expect(kept).toStrictEqual({ b: 1 });
    expectTypeOf(defined({ a: text as string | undefined, b: 1 })).toEqualTypeOf<
      { b: number } & { a?: string }
    >();
  });

  it('copies a `__proto__` of its own as it would any other name', () => {
    const parsed = JSON.parse('{"__proto__": {"admin": true}, "a": 1}') as object;
    expect('admin' in defined(parsed)).toBe(false);
  });
});
