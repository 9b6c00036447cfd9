import { LRUCache } from 'lru-cache';
import type { Account, ApiKey } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { equalInConstantTime, sha256Hex } from '#shared/core/hash.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import type { KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { createKeyCheck, type KeyCheck, type MacKeys } from './key-format.ts';

/** `forged`: the MAC is not ours. `unknown`: it is, but there is no such key. */
export type AuthFailure =
  | 'malformed'
  | 'forged'
  | 'unknown'
  | 'revoked'
  | 'expired'
  | 'account-disabled';

/** The account's money is left out: what is cached of it would be old. */
export type AuthResult =
  | {
      readonly ok: true;
      readonly account: Pick<Account, 'id' | 'name' | 'createdAt'>;
      readonly key: ApiKey;
    }
  | { readonly ok: false; readonly reason: AuthFailure };

interface Cached {
  readonly key: ApiKey;
  readonly account: Account;
  readonly readAt: number;
  /** What is answered for it while nothing stands against it. */
  result?: AuthResult;
  /** What the check says of the text that was found to be the key's, so that it is hashed once. */
  checked?: KeyCheck;
}

/** How often a key's use is noted. */
const USE_NOTED_MS = 10 * 60_000;
/** Most keys whose state is kept in memory. */
const CACHE_SIZE = 10_000;

/** Checks API keys, and caches for a short time what the stores said of them. */
export function createKeyAuthenticator(deps: {
  readonly keys: Pick<KeyStore, 'get'> & Partial<Pick<KeyStore, 'noteUse'>>;
  readonly ledger: Pick<Ledger, 'getAccount'>;
  readonly clock: Clock;
  readonly macKeys: MacKeys;
  readonly cacheMs?: number;
}) {
  const cacheMs = Math.min(deps.cacheMs ?? 60_000, 60_000);
  const check = createKeyCheck(deps.macKeys);
  const cache = new LRUCache<KeyId, Cached>({ max: CACHE_SIZE });
  // Grows each time something is forgotten, so that a read begun before that is not cached after it.
  let generation = 0;

  const peek = (id: KeyId, now: number): Cached | undefined => {
    const hit = cache.get(id);
    // A clock that was set back must not keep an entry longer.
    return hit !== undefined && Math.abs(now - hit.readAt) < cacheMs ? hit : undefined;
  };

  const read = async (id: KeyId, now: number): Promise<Cached | undefined> => {
    const begun = generation;
    const key = await deps.keys.get(id);
    const account = key && (await deps.ledger.getAccount(key.account));
    cache.delete(id);
    if (key === undefined || account === undefined) return undefined;
    const fresh: Cached = { key, account, readAt: now };
    if (begun === generation) cache.set(id, fresh);
    return fresh;
  };

  /** The check returns the same object for the same text alone, which it finds by the whole of it. */
  const isTextOf = (known: Cached, checked: KeyCheck, text: string): boolean => {
    if (known.checked === checked) return true;
    if (!equalInConstantTime(known.key.secretHash, sha256Hex(text))) return false;
    known.checked = checked;
    return true;
  };

  const judge = (
    known: Cached | undefined,
    checked: KeyCheck,
    text: string,
    now: number,
  ): AuthResult => {
    if (known === undefined || !isTextOf(known, checked, text)) {
      return { ok: false, reason: 'unknown' };
    }
    const { key, account } = known;
    if (key.revokedAt !== undefined) return { ok: false, reason: 'revoked' };
    if (key.expiresAt !== undefined && key.expiresAt <= now) {
      return { ok: false, reason: 'expired' };
    }
    if (account.disabledAt !== undefined) return { ok: false, reason: 'account-disabled' };
    known.result ??= {
      ok: true,
      account: { id: account.id, name: account.name, createdAt: account.createdAt },
      key,
    };
    return known.result;
  };

  /** Once in a while, and beside the request: nobody waits for it, and no request fails with it. */
  const noteUse = ({ id, lastUsedAt = 0 }: ApiKey, now: number): void => {
    if (now - lastUsedAt < USE_NOTED_MS) return;
    deps.keys.noteUse?.(id, now).catch(() => undefined);
  };

  return {
    /** At once for a key that was read a short time ago. */
    authenticate(text: string): AuthResult | Promise<AuthResult> {
      const checked = check(text);
      if (!checked.ok) return checked;
      const now = deps.clock.now();
      const known = peek(checked.key.id, now);
      if (known !== undefined) return judge(known, checked, text, now);
      return read(checked.key.id, now).then((fresh) => {
        const result = judge(fresh, checked, text, now);
        if (result.ok) noteUse(result.key, now);
        return result;
      });
    },

    forgetKey(id: KeyId): void {
      generation++;
      cache.delete(id);
    },

    forgetAccount(account: AccountId): void {
      generation++;
      for (const [id, cached] of cache) if (cached.account.id === account) cache.delete(id);
    },
  };
}
