import { useEffect } from 'hono/jsx/dom';
import type { Account } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { useLoaded } from './use-loaded.ts';
import { useWhileVisible } from './use-while-visible.ts';

const LOOK_MS = 15_000;

/** What the account can still spend; purchases on this page show at once, others after a while. */
export function Balance() {
  const { value, reload } = useLoaded(() => call<Account>('GET', '/v1/account'));
  useEffect(() => {
    document.addEventListener('balance-changed', reload);
    return () => document.removeEventListener('balance-changed', reload);
  }, []);
  useWhileVisible(reload, LOOK_MS);
  return value === undefined ? null : <a href="./credits">Balance {usd(value.balance)}</a>;
}
