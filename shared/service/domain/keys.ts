import { type ApiKey, type AuditEntry, budgetKeyOf, type Scope } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { type AccountId, createUlid, type KeyId, type RandomBytes } from '#shared/core/ids.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { KeyChange, KeyStore } from '#shared/service/ports/key-store.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { createKeyAuthenticator } from './key-authenticator.ts';
import { type MacKeys, mintApiKey } from './key-format.ts';

export interface KeyServiceDeps {
  readonly keys: KeyStore;
  readonly ledger: Pick<Ledger, 'getAccount'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly macKeys: MacKeys;
  /** How long an answer of the stores is believed; at most 60 s, the default. */
  readonly cacheMs?: number;
}

/** Who acts: the key of an API call, or the operator's shell. */
export type Actor = AuditEntry['actor'];

export interface NewKey {
  readonly account: AccountId;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly ratePerMinute: number;
  readonly expiresAt?: number;
  readonly dayCap?: MicroUsd;
  readonly monthCap?: MicroUsd;
}

/** A key and its text, which is shown now and never again. */
export interface IssuedKey {
  readonly key: ApiKey;
  readonly text: string;
}

/** Keys of an account that are in force: each has a rate of its own, and all are looked through. */
const MOST_KEYS = 1000;

/** API keys of accounts: issue, rotate, revoke and check them. */
export function createKeyService(deps: KeyServiceDeps) {
  const { keys, clock, randomBytes } = deps;
  const authenticator = createKeyAuthenticator(deps);

  const audit = (
    account: AccountId,
    actor: Actor,
    action: string,
    subject: KeyId,
    details: AuditEntry['details'],
  ): AuditEntry => {
    const id = createUlid(clock, randomBytes);
    return { id, at: clock.now(), account, actor, action, subject, details };
  };

  const issue = async (
    request: NewKey & Pick<ApiKey, 'budgetKey'>,
    actor: Actor,
  ): Promise<IssuedKey> => {
    checkLimits(request);
    const { id, text } = mintApiKey(deps);
    const key: ApiKey = {
      ...request,
      id,
      secretHash: sha256Hex(text),
      createdAt: clock.now(),
    };
    const { account, ...details } = request;
    await keys.create(key, audit(account, actor, 'key-created', id, { ...details }));
    return { key, text };
  };

  /** The account's own key; another account's is undefined. */
  const owned = async (account: AccountId, id: KeyId): Promise<ApiKey | undefined> => {
    const key = await keys.get(id);
    return key?.account === account ? key : undefined;
  };

  const inForce = async (account: AccountId, id: KeyId): Promise<ApiKey | undefined> => {
    const key = await owned(account, id);
    if (key === undefined || key.revokedAt !== undefined) return undefined;
    return key.expiresAt !== undefined && key.expiresAt <= clock.now() ? undefined : key;
  };

  return {
    /** @throws AppError `conflict` when the account has as many keys in force as it may have */
    async issue(request: NewKey, actor: Actor): Promise<IssuedKey> {
      const now = clock.now();
      const known = await keys.list(request.account);
      const count = known.filter(
        ({ revokedAt, expiresAt = Number.POSITIVE_INFINITY }) =>
          revokedAt === undefined && expiresAt > now,
      ).length;
      if (count >= MOST_KEYS) {
        throw new AppError('conflict', `The account has ${count} API keys in force. Revoke some.`);
      }
      return issue(request, actor);
    },
    get: owned,
    list: keys.list,
    authenticate: authenticator.authenticate,
    /** Forgets what is cached of an account, after it was disabled or enabled. */
    forgetAccount: authenticator.forgetAccount,

    /**
     * Issues a key with the same rights and lets the old one end after `overlapMs` (or sooner, if it
     * expires sooner). Undefined when the account has no such key in force.
     */
    async rotate(account: AccountId, id: KeyId, overlapMs: number, actor: Actor) {
      const old = await inForce(account, id);
      if (old === undefined || old.replacedBy !== undefined) return undefined;
      const issued = await issue(rightsOf(old), actor);
      const expiresAt = Math.min(clock.now() + overlapMs, old.expiresAt ?? Number.MAX_SAFE_INTEGER);
      const replaced = await keys.update(
        id,
        { expiresAt, replacedBy: issued.key.id },
        audit(account, actor, 'key-rotated', id, { replacedBy: issued.key.id, expiresAt }),
      );
      authenticator.forgetKey(id);
      return replaced === undefined ? undefined : { ...issued, replaced };
    },

    /** In force at once in this process, within `cacheMs` in others. Undefined: no such key in force. */
    async revoke(account: AccountId, id: KeyId, actor: Actor) {
      if ((await owned(account, id)) === undefined) return undefined;
      const entry = audit(account, actor, 'key-revoked', id, {});
      const revoked = await keys.update(id, { revokedAt: clock.now() }, entry);
      authenticator.forgetKey(id);
      return revoked;
    },

    /** Changes label, scopes, caps, rate or expiry of a key that is not revoked. */
    async update(
      account: AccountId,
      id: KeyId,
      change: Omit<KeyChange, 'revokedAt' | 'replacedBy'>,
      actor: Actor,
    ) {
      checkLimits(change);
      if ((await owned(account, id)) === undefined) return undefined;
      const updated = await keys.update(
        id,
        change,
        audit(account, actor, 'key-updated', id, { ...change }),
      );
      authenticator.forgetKey(id);
      return updated;
    },
  };
}

export type KeyService = ReturnType<typeof createKeyService>;

/** A rotated key's limits pass to its successor, but not the end that the rotation gives it. */
function rightsOf(key: ApiKey): NewKey & Pick<ApiKey, 'budgetKey'> {
  return {
    account: key.account,
    budgetKey: budgetKeyOf(key),
    label: key.label,
    scopes: key.scopes,
    ratePerMinute: key.ratePerMinute,
    ...defined({ expiresAt: key.expiresAt, dayCap: key.dayCap, monthCap: key.monthCap }),
  };
}

function checkLimits(limits: Pick<KeyChange, 'ratePerMinute' | 'dayCap' | 'monthCap'>): void {
  for (const name of ['ratePerMinute', 'dayCap', 'monthCap'] as const) {
    const value = limits[name];
    const least = name === 'ratePerMinute' ? 1 : 0;
    if (value === undefined || value === null) continue;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new AppError('invalid-input', `${name} must be a whole number of at least ${least}`, {
        details: { param: name },
      });
    }
  }
}
