import type { Child } from 'hono/jsx';
import type { Alert } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { useKeptCurrent } from './use-kept-current.ts';

const LOOK_MS = 60_000;

/** What needs attention, above every page, for as long as it does. */
export function Alerts() {
  const alerts = useKeptCurrent(
    () => call<{ results: readonly Alert[] }>('GET', '/v1/alerts'),
    LOOK_MS,
  );
  const known = (alerts?.results ?? []).flatMap(({ type, data }) => TELL[type]?.(data) ?? []);
  if (known.length === 0) return null;
  return (
    <ul class="alerts">
      {known.map((line) => (
        <li>{line}</li>
      ))}
    </ul>
  );
}

const TELL: Partial<Record<Alert['type'], (data: Alert['data']) => Child>> = {
  'balance.low': ({ balance }) => (
    <>
      {balance === 0 ? 'You are out of credit.' : `Only ${usd(Number(balance))} of credit is left.`}{' '}
      <a href="./credits">Add credit</a>
    </>
  ),
  'key.capped': ({ label, key, period }) => (
    <>
      The key “{String(label || key)}” has reached its limit for{' '}
      {String(period).length > 7 ? 'today' : 'this month'}. <a href="./keys">Change it</a>
    </>
  ),
  'endpoint.disabled': ({ url }) => (
    <>
      Webhooks to {String(url)} are switched off. <a href="./webhooks">See why</a>
    </>
  ),
  'topup.ended': ({ reason }) => (
    <>
      Automatic top-up has stopped:{' '}
      {reason === 'authentication_required'
        ? 'your bank wants you to confirm the payment'
        : 'your card was declined'}
      . <a href="./credits">Buy credit</a>
    </>
  ),
};
