import { type ApiKey, budgetKeyOf } from '#shared/core/account.ts';
import type { AccountEvent, AccountHook } from '#shared/core/account-hook.ts';
import { type Clock, toIso } from '#shared/core/clock.ts';
import { createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { ledgerDifference } from '#shared/core/ledger.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { AutoTopups } from '#shared/service/ports/auto-topups.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';

export interface AccountEventsDeps {
  readonly hooks: Pick<AccountHooks, 'list' | 'put'>;
  readonly ledger: Pick<Ledger, 'getAccount' | 'totals'>;
  readonly keys: Pick<KeyStore, 'list' | 'spent'>;
  readonly outbox: Pick<Outbox, 'listHealth'>;
  /** Absent where no credit is bought by card. */
  readonly autoTopups?: Pick<AutoTopups, 'get'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** The price of the cheapest order: a key that has less left of its cap is capped. */
  readonly leastPrice: MicroUsd;
  /** Models that have an instance now; absent where models are always there. */
  readonly warmModels?: () => Promise<readonly string[]>;
  /** Whether the ledger's sums are compared in a look now; always, if absent. */
  readonly isAuditDue?: (now: number) => boolean;
  /** Called when an account or one of its sources fails; the look continues with the next. */
  readonly onError: (error: unknown, what: string) => void;
}

/** Something that holds now: its name is the same for as long as it does. */
interface Circumstance {
  readonly name: string;
  readonly event: AccountEvent;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One circumstance a model: `model.cold` is told when it ends. */
const WARM = 'model.warm:';

/**
 * Tells accounts of their events. What holds is compared with what was told, and what is new goes to the outbox
 * in the write that notes it: each is told once, whichever process dies when. What came and went between two
 * looks is not told.
 *
 * @returns a function that looks once, and returns the entries written
 */
export function createAccountEvents(deps: AccountEventsDeps) {
  const { hooks, clock } = deps;

  const lookAt = async (hook: AccountHook): Promise<readonly OutboxEntry[]> => {
    const now = await circumstances(deps, hook);
    const isNew = now.filter(({ name }) => !hook.told.includes(name));
    const names = now.map(({ name }) => name);
    const gone = hook.told.filter((name) => !names.includes(name));
    if (isNew.length === 0 && gone.length === 0) return [];
    const cooled = gone
      .filter((name) => name.startsWith(WARM) && hook.events.includes('model.cold'))
      .map((name) => ({ event: 'model.cold' as const, data: { model: name.slice(WARM.length) } }));
    const told = [...isNew.filter(({ event }) => hook.events.includes(event)), ...cooled];
    const version = hook.version + 1;
    const at = clock.now();
    const entries = told.map(({ event, data }) =>
      accountEntry(hook, { id: `evt_${createUlid(clock, deps.randomBytes)}`, event, data, at }),
    );
    return (await hooks.put({ ...hook, told: names, version }, entries)) ? entries : [];
  };

  return async (): Promise<readonly OutboxEntry[]> => {
    const written: OutboxEntry[] = [];
    for (const hook of await hooks.list()) {
      try {
        written.push(...(await lookAt(hook)));
      } catch (error) {
        deps.onError(error, `telling ${hook.account} of its events`);
      }
    }
    return written;
  };
}

/** The outbox entry of an account's event; its body is as Standard Webhooks advises. */
export function accountEntry(
  { account, url }: Pick<AccountHook, 'account' | 'url'>,
  told: {
    readonly id: string;
    readonly event: AccountEvent | 'test';
    readonly data: Readonly<Record<string, unknown>>;
    readonly at: number;
  },
): OutboxEntry {
  const { id, event, data, at } = told;
  const body = JSON.stringify({ type: event, timestamp: toIso(at), data: { account, ...data } });
  return { id, account, event, url, body, createdAt: at, nextAttemptAt: at, attempts: 0 };
}

/** A source that can't be read leaves what was told of it as it was; the others are told of all the same. */
async function circumstances(
  deps: AccountEventsDeps,
  hook: AccountHook,
): Promise<readonly Circumstance[]> {
  const from = async (
    event: AccountEvent,
    read: (deps: AccountEventsDeps, hook: AccountHook) => Promise<readonly Circumstance[]>,
    isWanted = hook.events.includes(event),
  ): Promise<readonly Circumstance[]> => {
    if (!isWanted) return [];
    try {
      return await read(deps, hook);
    } catch (error) {
      deps.onError(error, `looking for ${event} of ${hook.account}`);
      const told = hook.told.filter((name) => name === event || name.startsWith(`${event}:`));
      return told.map((name) => ({ name, event, data: {} }));
    }
  };
  const wantsModels = (['model.warm', 'model.cold'] as const).some((e) => hook.events.includes(e));
  const parts = await Promise.all([
    from('balance.low', lowBalance),
    from('key.capped', cappedKeys),
    from('endpoint.disabled', disabledEndpoints),
    from('model.warm', warmModels, wantsModels),
    from('topup.ended', endedTopup),
    from('ledger.mismatch', ledgerMismatch),
  ]);
  return parts.flat();
}

async function lowBalance(
  { ledger }: AccountEventsDeps,
  { account, lowBalance: limit }: AccountHook,
): Promise<readonly Circumstance[]> {
  const balance = (await ledger.getAccount(account))?.balance;
  if (balance === undefined || balance >= limit) return [];
  return [{ name: 'balance.low', event: 'balance.low', data: { balance, low_balance: limit } }];
}

async function endedTopup(
  { autoTopups }: AccountEventsDeps,
  { account }: AccountHook,
): Promise<readonly Circumstance[]> {
  const ended = (await autoTopups?.get(account))?.ended;
  if (ended === undefined) return [];
  const data = { reason: ended.reason, ended_at: toIso(ended.at) };
  return [{ name: `topup.ended:${ended.at}`, event: 'topup.ended', data }];
}

async function cappedKeys(
  deps: AccountEventsDeps,
  { account }: AccountHook,
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
  { outbox }: AccountEventsDeps,
  { account }: AccountHook,
): Promise<readonly Circumstance[]> {
  const health = await outbox.listHealth(account);
  return health.flatMap(({ url, disabledAt, disabledReason }) => {
    if (disabledAt === undefined) return [];
    const data = { url, reason: disabledReason, disabled_at: toIso(disabledAt) };
    return [{ name: `endpoint.disabled:${url}`, event: 'endpoint.disabled' as const, data }];
  });
}

async function warmModels({ warmModels: list }: AccountEventsDeps) {
  const models = (await list?.()) ?? [];
  return models.map((model) => ({
    name: `${WARM}${model}`,
    event: 'model.warm' as const,
    data: { model },
  }));
}

async function ledgerMismatch(
  deps: AccountEventsDeps,
  { told }: AccountHook,
): Promise<readonly Circumstance[]> {
  const name = 'ledger.mismatch';
  const known = { name, event: name, data: {} } as const;
  if (deps.isAuditDue?.(deps.clock.now()) === false) return told.includes(name) ? [known] : [];
  const difference = ledgerDifference(await deps.ledger.totals());
  return difference === 0 ? [] : [{ ...known, data: { difference } }];
}
