import { useEffect } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { useLoaded } from './use-loaded.ts';

export interface AccountView {
  readonly balance: number;
  readonly held: number;
}

/** What the account can still spend; follows every purchase on the page. */
export function Balance() {
  const { value, reload } = useLoaded(() => call<AccountView>('GET', '/v1/account'));
  useEffect(() => {
    document.addEventListener('balance-changed', reload);
    return () => document.removeEventListener('balance-changed', reload);
  }, []);
  return value === undefined ? null : <a href="/credits">{usd(value.balance)} credit</a>;
}
