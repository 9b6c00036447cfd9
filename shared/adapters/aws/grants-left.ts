import { assert } from '#shared/core/errors.ts';
import { type MicroUsd, microUsd } from '#shared/core/money.ts';

/** What is left of a grant. Grants that never expire are kept as one. */
export interface GrantLeft {
  /** What paid for it; absent where several are kept as one. */
  readonly reference?: string;
  readonly expiresAt?: number;
  readonly remaining: MicroUsd;
}

const expiry = (grant: GrantLeft) => grant.expiresAt ?? Number.POSITIVE_INFINITY;

/** With one more grant, in the order in which they are spent: the one that expires first, first. */
export function withGrant(grants: readonly GrantLeft[], added: GrantLeft): readonly GrantLeft[] {
  if (added.expiresAt === undefined) {
    const lasting = grants.find((grant) => grant.expiresAt === undefined);
    const remaining = microUsd((lasting?.remaining ?? 0) + added.remaining);
    return [...grants.filter((grant) => grant.expiresAt !== undefined), { remaining }];
  }
  return [...grants, added].sort((a, b) => expiry(a) - expiry(b));
}

/** With an amount spent from the grants in their order. */
export function drawGrants(grants: readonly GrantLeft[], amount: MicroUsd): readonly GrantLeft[] {
  let open: number = amount;
  const left = grants.map((grant) => {
    const drawn = Math.min(open, grant.remaining);
    open -= drawn;
    return { ...grant, remaining: microUsd(grant.remaining - drawn) };
  });
  assert(open === 0, 'more was captured than was ever granted');
  return left.filter((grant) => grant.remaining > 0);
}

/**
 * What can be taken from the first grant whose time has come: what is held counts as taken from the
 * grants that expire first, since that is where a capture will take it from.
 */
export function expirable(
  grants: readonly GrantLeft[],
  held: MicroUsd,
  now: number,
): { readonly grant: GrantLeft; readonly amount: MicroUsd } | undefined {
  let covered: number = held;
  for (const grant of grants) {
    if (expiry(grant) > now) return undefined;
    const amount = microUsd(Math.max(0, grant.remaining - covered));
    if (amount > 0) return { grant, amount };
    covered -= grant.remaining;
  }
  return undefined;
}

/** When the sweeper has to look at the account next. */
export function nextExpiry(grants: readonly GrantLeft[]): number | undefined {
  return grants[0]?.expiresAt;
}
