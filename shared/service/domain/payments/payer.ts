import type { Account, ApiKey, AuditEntry } from '#shared/core/account.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { AccountId, KeyId } from '#shared/core/ids.ts';
import { ZERO_USD } from '#shared/core/money.ts';
import type { JobPayment } from '#shared/core/payment.ts';

type Payer = Pick<JobPayment, 'network' | 'payer'>;

/** What a request of a payer's counts as a minute: each costs the facilitator a look at the chain. */
export const PAYER_RATE_PER_MINUTE = 60;

/** A payer's account in the ledger: the same for all payments of a wallet. It has no keys. */
export function payerAccount({ network, payer }: Payer, createdAt: number): Account {
  const digest = sha256Hex(`payer\n${network}\n${payer}`);
  return {
    id: `acc_${digest.slice(0, 26)}` as AccountId,
    name: `x402 ${payer}`,
    createdAt,
    balance: ZERO_USD,
    held: ZERO_USD,
  };
}

export function payerAudit(account: Account, id: string, at: number): AuditEntry {
  return {
    id,
    at,
    account: account.id,
    actor: 'system',
    action: 'account-created',
    subject: account.id,
    details: { name: account.name },
  };
}

/** Stands where other orders have their key. It is in no store, and nobody holds it. */
export function payerKey(account: Pick<Account, 'id' | 'createdAt'>): ApiKey {
  return {
    id: account.id.slice(4, 20) as KeyId,
    account: account.id,
    label: 'x402',
    secretHash: '',
    scopes: ['predict'],
    createdAt: account.createdAt,
    ratePerMinute: PAYER_RATE_PER_MINUTE,
  };
}
