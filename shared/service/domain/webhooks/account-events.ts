import type { AccountEvent, AccountHook } from '#shared/core/account-hook.ts';
import { toIso } from '#shared/core/clock.ts';
import { createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { ledgerDifference } from '#shared/core/ledger.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import type { AccountHooks } from '#shared/service/ports/account-hooks.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { ACCOUNT_SOURCES, type Circumstance, type CircumstanceDeps } from './circumstances.ts';

export interface AccountEventsDeps extends CircumstanceDeps {
  readonly hooks: Pick<AccountHooks, 'list' | 'put'>;
  readonly ledger: Pick<Ledger, 'getAccount' | 'totals'>;
  readonly randomBytes: RandomBytes;
  /** Models that have an instance now; absent where models are always there. */
  readonly warmModels?: () => Promise<readonly string[]>;
  /** Whether the ledger's sums are compared in a look now; always, if absent. */
  readonly isAuditDue?: (now: number) => boolean;
  /** Called when an account or one of its sources fails; the look continues with the next. */
  readonly onError: (error: unknown, what: string) => void;
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
  const events = Object.keys(ACCOUNT_SOURCES) as (keyof typeof ACCOUNT_SOURCES)[];
  const parts = await Promise.all([
    ...events.map((event) => from(event, ACCOUNT_SOURCES[event])),
    from('model.warm', warmModels, wantsModels),
    from('ledger.mismatch', ledgerMismatch),
  ]);
  return parts.flat();
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
