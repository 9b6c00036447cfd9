import type { Account, LedgerEntry } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { usePages } from '#functions/api/browser/parts/use-pages.ts';

/** What an entry is, and what it does to what can be spent: charges come out of what was held. */
const KINDS: Readonly<Record<LedgerEntry['kind'], readonly [meaning: string, sign: string]>> = {
  grant: ['credit added', '+'],
  hold: ['held for a prediction', '−'],
  capture: ['charged, of what was held', ''],
  release: ['given back', '+'],
  expiry: ['credit expired', '−'],
};

const COLUMNS: readonly Column<LedgerEntry>[] = [
  { title: 'When', cell: ({ at }) => when(at) },
  { title: 'What', cell: ({ kind }) => KINDS[kind][0] },
  {
    title: 'Amount',
    number: true,
    cell: ({ kind, amount }) => (amount === 0 ? usd(0) : KINDS[kind][1] + usd(Math.abs(amount))),
  },
  {
    title: 'For',
    cell: ({ prediction, reference, note }) =>
      prediction === null ? (
        (reference ?? note ?? '')
      ) : (
        <a href={`/?prediction=${prediction}`}>{prediction}</a>
      ),
  },
  { title: 'Model', cell: ({ model }) => model ?? '' },
];

/** What can be spent, what is held, and every movement of the money. */
export function Credits() {
  const account = useLoaded(() => call<Account>('GET', '/v1/account'));
  const ledger = usePages<LedgerEntry>('/v1/ledger?limit=50');
  const problem = account.problem ?? ledger.problem;
  if (problem !== undefined) return <Notice problem={problem} />;
  const { balance, held, topup_url: topupUrl } = account.value ?? {};
  return (
    <div>
      <div class="card">
        <dl>
          <div>
            <dt>to spend</dt>
            <dd class="large">{balance === undefined ? '…' : usd(balance)}</dd>
          </div>
          <div>
            <dt>held for open predictions</dt>
            <dd class="large">{held === undefined ? '…' : usd(held)}</dd>
          </div>
        </dl>
        {topupUrl && <a href={topupUrl}>Top up</a>}
      </div>
      <h2>Ledger</h2>
      <Table
        caption="Ledger"
        columns={COLUMNS}
        rows={ledger.rows}
        empty="No money has moved yet."
        more={ledger.more}
        keyOf={({ id }) => id}
      />
    </div>
  );
}
