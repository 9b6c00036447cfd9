import type { Grant } from '#shared/service/ports/ledger.ts';
import { PRICE, sampleGrant } from '#test/helpers/samples.ts';
import { DEADLINE_MS } from '#test/helpers/world.ts';
import { mustBe } from './must.ts';
import type { Random } from './random.ts';
import { ACCOUNTS, type SimulatedWorld } from './worlds/world.ts';

const [FIRST, SECOND, THIRD] = ACCOUNTS as unknown as readonly [Id, Id, Id];
type Id = (typeof ACCOUNTS)[number];

/** Payments that become credit, some of it for a time, and that are announced more than once. */
export function createPayments(world: SimulatedWorld) {
  const grants: Grant[] = [];
  const announce = (grant: Grant) => {
    const { entryId } = sampleGrant(1, { at: world.clock.now() });
    return world.services.ports.ledger.grant({ ...grant, entryId });
  };
  return {
    async pay(random: Random): Promise<void> {
      const now = world.clock.now();
      const grant = sampleGrant(3 * PRICE, {
        at: now,
        account: random.pick([FIRST, FIRST, SECOND, THIRD]),
        expiresAt: now + random.pick([1000, DEADLINE_MS]),
      });
      grants.push(grant);
      await announce(grant);
    },

    /** The same payment under another entry, as a provider that got no answer announces it. */
    async announceAgain(random: Random): Promise<void> {
      const grant = grants[random.below(grants.length)];
      if (grant !== undefined) await announce(grant);
    },

    /** Providers announce until they are heard. */
    async announceAll(): Promise<void> {
      for (const grant of grants) await announce(grant);
    },

    async expectOnce(before: number): Promise<void> {
      const paid = grants.reduce((sum, { amount }) => sum + amount, before);
      mustBe((await world.stores.ledger.totals()).granted, paid, 'credit for all that was paid');
    },
  };
}
