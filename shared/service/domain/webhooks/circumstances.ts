import { type ApiKey, budgetKeyOf } from '#shared/core/account.ts';
import type { AccountEvent, AccountHook } from '#shared/core/account-hook.ts';
import { type Clock, toIso } from '#shared/core/clock.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';

export interface CircumstanceDeps {
  readonly ledger: Pick<Ledger, 'getAccount'>;
  readonly keys: Pick<KeyStore, 'list' | 'spent'>;
  readonly outbox: Pick<Outbox, 'listHealth'>;
  /** Absent where no credit is bought by card. */
  readonly autoTopups?: Pick<AutoTopups, 'get'> | undefined;
  readonly clock: Clock;
  /** The price of the cheapest order: a key that has less left of its cap is capped. */
  readonly leastPrice: MicroUsd;
}

/** An account, and the balance below which it is told so. */
type Watched = Pick<AccountHook, 'account' | 'lowBalance'>;

/** Something that holds now: its name is the same for as long as it does. */
export interface Circumstance {
  readonly name: string;
  readonly event: AccountEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** All that an account should do something about. */
export async function accountAlerts(
  deps: CircumstanceDeps,
  of: Watched,
): Promise<readonly Circumstance[]> {
  const found = Object.values(ACCOUNT_SOURCES).map((source) => source(deps, of));
  return (await Promise.all(found)).flat();
}

async function lowBalance(
  { ledger }: CircumstanceDeps,
  { account, lowBalance: limit }: Watched,
): Promise<readonly Circumstance[]> {
  const balance = (await ledger.getAccount(account))?.balance;
  if (balance === undefined || balance >= limit) return [];
  return [{ name: 'balance.low', event: 'balance.low', data: { balance, low_balance: limit } }];
}

async function endedTopup(
  { autoTopups }: CircumstanceDeps,
  { account }: Watched,
): Promise<readonly Circumstance[]> {
  const ended = (await autoTopups?.get(account))?.ended;
  if (ended === undefined) return [];
  const data = { reason: ended.reason, ended_at: toIso(ended.at) };
  return [{ name: `topup.ended:${ended.at}`, event: 'topup.ended', data }];
}

async function cappedKeys(
  deps: CircumstanceDeps,
  { account }: Watched,
): Promise<readonly Circumstance[]> {
  const day = toIso(deps.clock.now()).slice(0, 10);
  const keys = await deps.keys.list(account);
  const capped = async (key: ApiKey, cap: MicroUsd | undefined, period: string) => {
    if (cap === undefined || key.revokedAt !== undefined) return [];
    const spent = await deps.keys.spent(budgetKeyOf(key), period);
    if (cap - spent >= deps.leastPrice) return [];
    const data = { key: key.id, label: key.label, period, cap, spent };
    return [{ name: `key.capped:${key.id}:${period}`, event: 'key.capped' as const, data }];
  };
  const found = await Promise.all(
    keys.flatMap((key) => [
      capped(key, key.dayCap, day),
      capped(key, key.monthCap, day.slice(0, 7)),
    ]),
  );
  return found.flat();
}

async function disabledEndpoints(
  { outbox }: CircumstanceDeps,
  { account }: Watched,
): Promise<readonly Circumstance[]> {
  const health = await outbox.listHealth(account);
  return health.flatMap(({ url, disabledAt, disabledReason }) => {
    if (disabledAt === undefined) return [];
    const data = { url, reason: disabledReason, disabled_at: toIso(disabledAt) };
    return [{ name: `endpoint.disabled:${url}`, event: 'endpoint.disabled' as const, data }];
  });
}

/** Where each event that an account can do something about is read from. */
export const ACCOUNT_SOURCES = {
  'balance.low': lowBalance,
  'key.capped': cappedKeys,
  'endpoint.disabled': disabledEndpoints,
  'topup.ended': endedTopup,
} as const satisfies Partial<Record<AccountEvent, unknown>>;
