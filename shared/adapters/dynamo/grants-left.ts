import { type MicroUsd, microUsd } from '#shared/core/money.ts';

/**
 * What is left of a grant that expires, or the part of it that a hold has taken. An account lists only
 * these: the rest of its balance does not expire.
 */
export interface GrantLeft {
  /** What paid for it. */
  readonly reference: string;
  readonly expiresAt: number;
  readonly remaining: MicroUsd;
}

/** With one more grant, or more of one, in the order in which they are spent: that of their expiry. */
export function withGrant(grants: readonly GrantLeft[], added: GrantLeft): readonly GrantLeft[] {
  const same = grants.find(({ reference }) => reference === added.reference);
  const remaining = microUsd((same?.remaining ?? 0) + added.remaining);
  return [...grants.filter((grant) => grant !== same), { ...added, remaining }].sort(
    (a, b) => a.expiresAt - b.expiresAt,
  );
}

/**
 * Spends up to an amount in their order: what is left of them (they themselves, where nothing was
 * taken), and what was taken.
 */
export function drawGrants(
  grants: readonly GrantLeft[],
  amount: MicroUsd,
): { readonly left: readonly GrantLeft[]; readonly taken: readonly GrantLeft[] } {
  let open: number = amount;
  const left: GrantLeft[] = [];
  const taken: GrantLeft[] = [];
  for (const grant of grants) {
    const part = Math.min(open, grant.remaining);
    open -= part;
    if (part > 0) taken.push({ ...grant, remaining: microUsd(part) });
    if (part < grant.remaining)
      left.push({ ...grant, remaining: microUsd(grant.remaining - part) });
  }
  return { left: taken.length === 0 ? grants : left, taken };
}

/** The first grant whose time has come. */
export function expiredGrant(grants: readonly GrantLeft[], now: number): GrantLeft | undefined {
  const [first] = grants;
  return first !== undefined && first.expiresAt <= now ? first : undefined;
}

/** When the sweeper has to look at the account next. */
export function nextExpiry(grants: readonly GrantLeft[], laterFrom?: number): number | undefined {
  const times = [grants[0]?.expiresAt, laterFrom].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
