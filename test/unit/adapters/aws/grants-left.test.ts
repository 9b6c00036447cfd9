import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  drawGrants,
  expirable,
  type GrantLeft,
  withGrant,
} from '#shared/adapters/aws/grants-left.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';

const grant = (remaining: number, expiresAt?: number): GrantLeft => ({
  remaining: microUsd(remaining),
  ...(expiresAt === undefined ? {} : { expiresAt, reference: `r${expiresAt}` }),
});
const sum = (grants: readonly GrantLeft[]) =>
  grants.reduce((total, { remaining }) => total + remaining, 0);

describe('what is left of grants', () => {
  it('the one that expires first is spent first, and the lasting ones are one', () => {
    let grants: readonly GrantLeft[] = [];
    for (const added of [grant(10), grant(5, 300), grant(7), grant(3, 100)]) {
      grants = withGrant(grants, added);
    }
    expect(grants).toEqual([grant(3, 100), grant(5, 300), grant(17)]);
    expect(drawGrants(grants, microUsd(6))).toEqual([grant(2, 300), grant(17)]);
  });

  it('what is held is left in the grants that a capture will take it from', () => {
    const grants = [grant(10, 100), grant(10, 200), grant(10)];
    expect(expirable(grants, microUsd(4), 99)).toBeUndefined();
    expect(expirable(grants, microUsd(4), 100)).toMatchObject({ amount: 6 });
    expect(expirable(grants, microUsd(12), 100)).toBeUndefined();
    expect(expirable(grants, microUsd(12), 200)).toMatchObject({ amount: 8, grant: grants[1] });
    expect(expirable(grants, ZERO_USD, 1e9)).toMatchObject({ amount: 10, grant: grants[0] });
  });

  it('spending takes exactly the amount, whatever the grants', () => {
    const any = fc.tuple(
      fc.integer({ min: 1, max: 1000 }),
      fc.option(fc.nat(5), { nil: undefined }),
    );
    fc.assert(
      fc.property(
        fc.array(any, { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, share) => {
          const grants = list.reduce<readonly GrantLeft[]>(
            (all, [amount, at]) => withGrant(all, grant(amount, at)),
            [],
          );
          const amount = Math.floor(sum(grants) * share);
          const left = drawGrants(grants, microUsd(amount));
          expect(sum(left)).toBe(sum(grants) - amount);
          expect(left.every(({ remaining }) => remaining > 0)).toBe(true);
        },
      ),
    );
  });

  it('more than there is can not be spent', () => {
    expect(() => drawGrants([grant(5)], microUsd(6))).toThrow('captured');
  });
});
