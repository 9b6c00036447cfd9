import type { AuditEntry } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import type { MicroUsd } from '#shared/core/money.ts';
import type { Grant, GrantResult, Ledger, ReversalResult } from '#shared/service/ports/ledger.ts';

export interface CreditDeps {
  readonly ledger: Pick<Ledger, 'grant'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

export interface CreditRequest {
  readonly account: AccountId;
  readonly amount: MicroUsd;
  /** What paid for it, such as a payment's id: the same reference is granted once. */
  readonly reference: string;
  readonly actor: AuditEntry['actor'];
  readonly note?: string;
  readonly expiresAt?: number;
}

/** Adds credit to an account, with its line in the audit log; harmless to repeat. */
export function grantCredit(deps: CreditDeps, request: CreditRequest): Promise<GrantResult> {
  return deps.ledger.grant(grantOf(deps, request));
}

/** The grant that a request asks for, as the ledger takes it. */
export function grantOf(
  deps: Pick<CreditDeps, 'clock' | 'randomBytes'>,
  request: CreditRequest,
): Grant {
  const { account, amount, reference, actor, note, expiresAt } = request;
  const at = deps.clock.now();
  const entryId = createUlid(deps.clock, deps.randomBytes);
  const optional = defined({ note, expiresAt });
  return {
    entryId,
    account,
    amount,
    reference,
    at,
    ...optional,
    audit: {
      id: createUlid(deps.clock, deps.randomBytes),
      at,
      account,
      actor,
      action: 'credit-granted',
      subject: reference,
      details: { amount, entry: entryId, ...optional },
    },
  };
}

export interface ReversalRequest extends Omit<CreditRequest, 'expiresAt'> {
  /** What took it back, such as a refund's id: the same reference takes once. */
  readonly reference: string;
}

/** Takes credit back, with its line in the audit log; harmless to repeat. */
export function reverseCredit(
  deps: Omit<CreditDeps, 'ledger'> & { readonly ledger: Pick<Ledger, 'reverse'> },
  { account, amount, reference, actor, note }: ReversalRequest,
): Promise<ReversalResult> {
  const at = deps.clock.now();
  const newId = () => createUlid(deps.clock, deps.randomBytes);
  const [entryId, owedEntryId] = [newId(), newId()];
  const optional = defined({ note });
  return deps.ledger.reverse({
    ...{ entryId, owedEntryId, account, amount, reference, at },
    ...optional,
    audit: {
      ...{ id: newId(), at, account, actor, action: 'credit-reversed', subject: reference },
      details: { amount, entry: entryId, ...optional },
    },
  });
}
