import type { Account } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { useKeptCurrent } from './use-kept-current.ts';

const LOOK_MS = 15_000;

/** What the account can still spend; purchases on this page show at once, others after a while. */
export function Balance() {
  const account = useKeptCurrent(() => call<Account>('GET', '/v1/account'), LOOK_MS);
  return account === undefined ? null : <a href="./credits">Balance {usd(account.balance)}</a>;
}
