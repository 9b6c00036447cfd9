import type { Account, LedgerEntry } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { signed, usd, when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { usePages } from '#functions/api/browser/parts/use-pages.ts';
import { AddCredit } from './add-credit.tsx';
import { BuyCredit } from './buy-credit.tsx';
import { type StatementRow, statementOf } from './statement.ts';

const COLUMNS: readonly Column<StatementRow>[] = [
  { title: 'Date', cell: ({ at }) => when(at) },
  { title: 'Description', cell: ({ what }) => what },
  { title: 'Amount', number: true, cell: ({ amount }) => signed(amount) },
  { title: 'Balance', number: true, cell: ({ balance }) => usd(balance) },
  {
    title: 'Details',
    cell: ({ prediction, model, details }) =>
      prediction === null ? (
        details
      ) : (
        <a href={`./?prediction=${prediction}`}>{model ?? prediction}</a>
      ),
  },
];

/** The balance, ways to add to it, and a statement with a row for each prediction. */
export function Credits({ isOperator }: { readonly isOperator: boolean }) {
  const account = useLoaded(() => call<Account>('GET', '/v1/account'));
  const ledger = usePages<LedgerEntry>('/v1/ledger?limit=100');
  const problem = account.problem ?? ledger.problem;
  if (problem !== undefined) return <Notice problem={problem} />;
  const { balance, held = 0, owed = 0, topup_url, sells_by_card: isSold } = account.value ?? {};
  const topupUrl = isSold ? undefined : topup_url;
  const reload = () => {
    account.reload();
    ledger.reload();
    document.dispatchEvent(new Event('balance-changed'));
  };
  const rows =
    balance === undefined || ledger.rows === undefined
      ? undefined
      : statementOf(ledger.rows, balance - owed);
  return (
    <div>
      <div class="card">
        <dl>
          <div>
            <dt>Balance</dt>
            <dd class="large">{balance === undefined ? '…' : usd(balance)}</dd>
          </div>
          {owed > 0 && (
            <div>
              <dt>Owed for payments that were taken back</dt>
              <dd class="large">{usd(owed)}</dd>
            </div>
          )}
          {held > 0 && (
            <div>
              <dt>Held for predictions in progress</dt>
              <dd class="large">{usd(held)}</dd>
            </div>
          )}
        </dl>
        {topupUrl && (
          <a class="button" href={topupUrl}>
            Top up
          </a>
        )}
        {isSold && <BuyCredit paid={reload} />}
        {isOperator && <AddCredit added={reload} />}
        {!topup_url && !isSold && !isOperator && (
          <p class="small">To add credit, ask whoever runs this service.</p>
        )}
      </div>
      <h2>Statement</h2>
      <p>
        <a href="./statement">Monthly statements, to print or as CSV</a>
      </p>
      <Table
        caption="Statement"
        columns={COLUMNS}
        rows={rows}
        empty="No charges or payments yet."
        more={ledger.more}
        keyOf={({ id }) => id}
      />
    </div>
  );
}
