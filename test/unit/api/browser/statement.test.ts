import { expect, test } from 'vitest';
import type { LedgerEntry } from '#functions/api/account/account-schema.ts';
import { statementOf } from '#functions/api/browser/account/statement.ts';

let id = 0;
const entry = (change: Partial<LedgerEntry>): LedgerEntry => ({
  id: String(++id),
  kind: 'grant',
  at: '2026-11-27T00:00:00.000Z',
  amount: 0,
  prediction: null,
  key: null,
  model: null,
  price_version: null,
  images: null,
  metadata: {},
  reference: null,
  note: null,
  expires_at: null,
  ...change,
});

test('a statement has a row for each prediction, and balances that add up', () => {
  // 100 granted; a: 8 held, 4 charged; b: 4 held, given back; c: 4 held still; 6 expired.
  const entries = [
    entry({ kind: 'hold', amount: 4, prediction: 'c' }),
    entry({ kind: 'expiry', amount: 6, reference: 'pi_1' }),
    entry({ kind: 'release', amount: 4, prediction: 'b' }),
    entry({ kind: 'capture', amount: 4, prediction: 'a', images: 1, model: 'onestep/demo' }),
    entry({ kind: 'hold', amount: 4, prediction: 'b' }),
    entry({ kind: 'hold', amount: 8, prediction: 'a' }),
    entry({ kind: 'grant', amount: 100, reference: 'pi_1', note: 'card' }),
  ];
  const rows = statementOf(entries, 100 - 4 - 6 - 4);
  expect(rows.map(({ what, amount, balance }) => [what, amount, balance])).toEqual([
    ['In progress', -4, 86],
    ['Credit expired', -6, 90],
    ['Not charged', 0, 96],
    ['1 picture', -4, 96],
    ['Credit added', 100, 100],
  ]);
  expect(rows.at(-1)?.details).toBe('card, pi_1');
});
