import type { AccountId } from '#shared/core/ids.ts';
import type { EndpointHealth, Outbox } from '#shared/service/ports/outbox.ts';

/** A receiver that has failed every attempt for this long is not called any more. */
const DISABLE_AFTER_MS = 5 * 24 * 60 * 60 * 1000;

export interface HealthDeps {
  readonly outbox: Pick<Outbox, 'getHealth' | 'putHealth'>;
}

export type Observation = 'delivered' | 'failed' | 'gone';

/** Notes how an attempt went and returns the receiver's health after it. */
export async function observeEndpoint(
  deps: HealthDeps,
  endpoint: { readonly account: AccountId; readonly url: string },
  observation: Observation,
  now: number,
): Promise<EndpointHealth> {
  const before = await deps.outbox.getHealth(endpoint.account, endpoint.url);
  const after = healthAfter(before ?? { url: endpoint.url }, observation, now);
  if (before !== after) await deps.outbox.putHealth(endpoint.account, after);
  return after;
}

function healthAfter(
  before: EndpointHealth,
  observation: Observation,
  now: number,
): EndpointHealth {
  if (observation === 'delivered') {
    const isWell = before.failingSince === undefined && before.disabledAt === undefined;
    return isWell ? before : { url: before.url };
  }
  if (before.disabledAt !== undefined) return before;
  const failingSince = before.failingSince ?? now;
  const failing: EndpointHealth = { url: before.url, failingSince };
  if (observation === 'gone') return { ...failing, disabledAt: now, disabledReason: 'gone' };
  if (now - failingSince >= DISABLE_AFTER_MS) {
    return { ...failing, disabledAt: now, disabledReason: 'failing' };
  }
  return before.failingSince === undefined ? failing : before;
}

/** Calls a disabled receiver again from now on. False when there is no record of that URL. */
export async function enableEndpoint(
  deps: HealthDeps,
  account: AccountId,
  url: string,
): Promise<boolean> {
  const health = await deps.outbox.getHealth(account, url);
  if (health === undefined) return false;
  await deps.outbox.putHealth(account, { url });
  return true;
}
