import { AppError } from '#shared/core/errors.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { callerOf } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import type { ApiDeps } from './deps.ts';

/** Whether the caller runs the deployment: an `admin` key of the operator's account. */
export function isOperator(c: ApiContext, deps: Pick<ApiDeps, 'settings'>): boolean {
  const { key, account } = callerOf(c);
  return key.scopes.includes('admin') && account.id === deps.settings.operatorAccount;
}

/** @throws AppError `permission-denied` */
export function assertOperator(c: ApiContext, deps: Pick<ApiDeps, 'settings'>): void {
  if (isOperator(c, deps)) return;
  throw new AppError('permission-denied', 'Only the operator of the service may do this.');
}

/**
 * The account that an administrative call is about: the caller's own, or the one that the operator
 * names.
 *
 * @throws AppError `permission-denied` for another's account, `not-found` when there is none such
 */
export async function targetAccount(
  c: ApiContext,
  deps: Pick<ApiDeps, 'settings' | 'ledger'>,
  named: string | undefined,
): Promise<AccountId> {
  const own = callerOf(c).account.id;
  if (named === undefined || named === own) return own;
  assertOperator(c, deps);
  const account = await deps.ledger.getAccount(named as AccountId);
  if (account === undefined) throw new AppError('not-found', `There is no account "${named}".`);
  return account.id;
}
