import { useEffect } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { useLoaded } from './use-loaded.ts';
import { useWhileVisible } from './use-while-visible.ts';

export interface AccountView {
  readonly balance: number;
  readonly held: number;
}

const LOOK_MS = 15_000;

/** What the account can still spend; follows purchases on this page at once, others after a while. */
export function Balance() {
  const { value, reload } = useLoaded(() => call<AccountView>('GET', '/v1/account'));
  useEffect(() => {
    document.addEventListener('balance-changed', reload);
    return () => document.removeEventListener('balance-changed', reload);
  }, []);
  useWhileVisible(reload, LOOK_MS);
  return value === undefined ? null : <a href="/credits">{usd(value.balance)} credit</a>;
}
