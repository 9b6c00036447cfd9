import { defined } from '#shared/core/defined.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { Operator } from './first-account.ts';

export interface FinishDeps {
  /** Opens the operator's account. */
  readonly operator: () => Promise<Operator>;
  /** Whether an admin key of this account was shown before. */
  readonly wasShown: (account: AccountId) => boolean;
  /** Makes a picture by the service and resolves to its path; absent where none is wanted. */
  readonly picture?: (key: string) => Promise<string>;
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
}

export interface Finished {
  readonly account: AccountId;
  /** To be shown, and then noted as shown. */
  readonly adminKey?: string;
  readonly picture?: string;
  /** Why there is no picture: the deployment is there all the same, and its key must not get lost. */
  readonly failure?: unknown;
}

/**
 * Ends a deployment: account, key and a picture. A key that was made and never shown, since this died in
 * between, is of no use to anybody; the next run makes another.
 */
export async function finish(deps: FinishDeps): Promise<Finished> {
  const operator = await deps.step("operator's account", deps.operator);
  const isToShow = operator.isNew || !deps.wasShown(operator.account);
  const adminKey = isToShow ? await operator.adminKey() : undefined;
  const known = { account: operator.account, ...defined({ adminKey }) };
  const { picture: make } = deps;
  if (make === undefined) return known;
  try {
    const picture = await deps.step('a picture, with a cold start', () => operator.withKey(make));
    return { ...known, picture };
  } catch (failure) {
    return { ...known, failure };
  }
}
