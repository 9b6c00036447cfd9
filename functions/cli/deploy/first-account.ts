import type { Scope } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { grantCredit } from '#shared/service/domain/credits.ts';
import type { IssuedKey, KeyService } from '#shared/service/domain/keys.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';

export interface FirstAccountDeps {
  readonly ledger: Pick<Ledger, 'createAccount' | 'grant'>;
  readonly keys: Pick<KeyService, 'issue' | 'revoke'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** The operator's account. */
export interface Operator {
  readonly account: AccountId;
  /** Whether this call has created it. */
  readonly isNew: boolean;
  /** A key for everything, to be shown once. */
  readonly adminKey: () => Promise<string>;
  /** Runs something with a key for predictions that is revoked after it, and expires if that fails. */
  readonly withKey: <T>(work: (key: string) => Promise<T>) => Promise<T>;
}

/** Enough for a thousand images; the operator pays for the GPU anyway. */
const FIRST_CREDIT_MICRO_USD = 5_000_000;
const RATE_PER_MINUTE = 60;
const PASSING_MS = 2 * 3_600_000;
const ACTOR = 'cli';

/** Sees that the operator's account is there, with its first credit: however often, that is granted once. */
export async function openFirstAccount(deps: FirstAccountDeps, id: AccountId): Promise<Operator> {
  const { keys, clock } = deps;
  const at = clock.now();
  const auditId = createUlid(clock, deps.randomBytes);
  const { created } = await deps.ledger.createAccount(
    { id, name: 'operator', createdAt: at, balance: ZERO_USD, held: ZERO_USD },
    {
      id: auditId,
      at,
      account: id,
      actor: ACTOR,
      action: 'account-created',
      subject: id,
      details: {},
    },
  );
  const amount = microUsd(FIRST_CREDIT_MICRO_USD);
  await grantCredit(deps, { account: id, amount, reference: `first-credit-${id}`, actor: ACTOR });
  const issue = (
    label: string,
    scopes: readonly Scope[],
    expiresAt?: number,
  ): Promise<IssuedKey> => {
    const request = { account: id, label, scopes, ratePerMinute: RATE_PER_MINUTE };
    return keys.issue({ ...request, ...(expiresAt !== undefined && { expiresAt }) }, ACTOR);
  };
  return {
    account: id,
    isNew: created,
    adminKey: async () => (await issue('operator', ['predict', 'read', 'admin'])).text,
    async withKey(work) {
      const { key, text } = await issue('deploy', ['predict', 'read'], clock.now() + PASSING_MS);
      try {
        return await work(text);
      } finally {
        await keys.revoke(id, key.id, ACTOR);
      }
    },
  };
}
