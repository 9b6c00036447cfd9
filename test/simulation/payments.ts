import { expect } from 'vitest';
import type { Grant } from '#shared/service/ports/ledger.ts';
import { ACCOUNT, OTHER_ACCOUNT, PRICE, sampleGrant } from '#test/helpers/samples.ts';
import { DEADLINE_MS, type World } from '#test/helpers/world.ts';
import type { Random } from './random.ts';

/** Payments that become credit, some of it for a time, and that are announced more than once. */
export function createPayments(world: World) {
  const grants: Grant[] = [];
  return {
    async pay(random: Random): Promise<void> {
      const grant = sampleGrant(3 * PRICE, {
        account: random.pick([ACCOUNT, OTHER_ACCOUNT]),
        expiresAt: world.clock.now() + random.pick([1000, DEADLINE_MS]),
      });
      grants.push(grant);
      await world.stores.ledger.grant(grant);
    },

    /** The same payment under another entry, as a provider that got no answer announces it. */
    async announceAgain(random: Random): Promise<void> {
      const grant = grants[random.below(grants.length)];
      if (grant === undefined) return;
      const { entryId } = sampleGrant(1);
      await world.stores.ledger.grant({ ...grant, entryId });
    },

    async expectOnce(before: number): Promise<void> {
      const paid = grants.reduce((sum, { amount }) => sum + amount, before);
      expect((await world.stores.ledger.totals()).granted, 'all that was paid').toBe(paid);
    },
  };
}
