import type { Clock } from '#shared/core/clock.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { grantCredit } from '#shared/service/domain/credits.ts';
import type { KeyService } from '#shared/service/domain/keys.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';

export interface FirstAccountDeps {
  readonly ledger: Pick<Ledger, 'createAccount' | 'grant'>;
  readonly keys: Pick<KeyService, 'issue'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** Enough for a thousand images; the operator pays for the GPU anyway. */
const FIRST_CREDIT_MICRO_USD = 5_000_000;
const RATE_PER_MINUTE = 60;

/**
 * Creates the operator's account with credit and an admin key, unless it exists.
 *
 * @returns the key's text, which is shown once; undefined when the account existed
 */
export async function createFirstAccount(
  deps: FirstAccountDeps,
  id: AccountId,
): Promise<string | undefined> {
  const at = deps.clock.now();
  const auditId = createUlid(deps.clock, deps.randomBytes);
  const actor = 'cli';
  const { created } = await deps.ledger.createAccount(
    { id, name: 'operator', createdAt: at, balance: ZERO_USD, held: ZERO_USD },
    { id: auditId, at, account: id, actor, action: 'account-created', subject: id, details: {} },
  );
  if (!created) return undefined;
  const amount = microUsd(FIRST_CREDIT_MICRO_USD);
  await grantCredit(deps, { account: id, amount, reference: `first-credit-${id}`, actor });
  const scopes = ['predict', 'read', 'admin'] as const;
  const request = { account: id, label: 'operator', scopes, ratePerMinute: RATE_PER_MINUTE };
  return (await deps.keys.issue(request, actor)).text;
}
