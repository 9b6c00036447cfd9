import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  drawGrants,
  expiredGrant,
  type GrantLeft,
  nextExpiry,
  withGrant,
} from '#shared/adapters/dynamo/grants-left.ts';
import { microUsd } from '#shared/core/money.ts';

const grant = (remaining: number, expiresAt: number): GrantLeft => ({
  reference: `r${expiresAt}`,
  expiresAt,
  remaining: microUsd(remaining),
});
const sum = (grants: readonly GrantLeft[]) =>
  grants.reduce((total, { remaining }) => total + remaining, 0);
const listOf = (...grants: readonly GrantLeft[]) =>
  grants.reduce<readonly GrantLeft[]>(withGrant, []);

describe('what is left of grants that expire', () => {
  it('the one that expires first is spent first, and what comes back joins the rest of it', () => {
    const grants = listOf(grant(10, 200), grant(5, 300), grant(3, 100));
    expect(grants).toEqual([grant(3, 100), grant(10, 200), grant(5, 300)]);
    const { left, taken } = drawGrants(grants, microUsd(6));
    expect(taken).toEqual([grant(3, 100), grant(3, 200)]);
    expect(left).toEqual([grant(7, 200), grant(5, 300)]);
    expect(taken.reduce(withGrant, left)).toEqual(grants);
  });

  it('the first one is due when its time has come', () => {
    const grants = listOf(grant(10, 100), grant(10, 200));
    expect(expiredGrant(grants, 99)).toBeUndefined();
    expect(expiredGrant(grants, 100)).toBe(grants[0]);
    expect(nextExpiry(grants)).toBe(100);
    expect(expiredGrant([], 100)).toBeUndefined();
  });

  it('stay the very same where nothing is taken', () => {
    const grants = listOf(grant(10, 100));
    expect(drawGrants(grants, microUsd(0)).left).toBe(grants);
    expect(drawGrants([], microUsd(5))).toEqual({ left: [], taken: [] });
  });

  it('spending takes the amount or all there is, and giving it back restores them', () => {
    const any = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(5));
    fc.assert(
      fc.property(fc.array(any), fc.nat(8000), (list, amount) => {
        const grants = listOf(...list.map(([left, at]) => grant(left, at)));
        const { left, taken } = drawGrants(grants, microUsd(amount));
        expect(sum(taken)).toBe(Math.min(amount, sum(grants)));
        expect(sum(left) + sum(taken)).toBe(sum(grants));
        expect([...left, ...taken].every(({ remaining }) => remaining > 0)).toBe(true);
        expect(taken.reduce(withGrant, left)).toEqual(grants);
      }),
    );
  });
});
