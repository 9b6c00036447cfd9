import { useState } from 'hono/jsx/dom';
import type { Statement } from '#functions/api/account/statement-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { signed, usd } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { type MonthlyRow, monthlyRows } from './monthly-rows.ts';

const COLUMNS: readonly Column<MonthlyRow>[] = [
  { title: 'Day (UTC)', cell: ({ day }) => day },
  { title: 'Description', cell: ({ what }) => what },
  { title: 'Details', cell: ({ details }) => details },
  { title: 'Amount', number: true, cell: ({ change }) => signed(change) },
  { title: 'Total', number: true, cell: ({ total }) => usd(total) },
];

/** What each kind of change is called where it is summed up. */
const SUMS: readonly (readonly [kind: string, name: string])[] = [
  ['grant', 'Credit added'],
  ['capture', 'Pictures'],
  ['expiry', 'Credit expired'],
  ['reversal', 'Payments reversed'],
];

/** A month's statement, made to be printed. */
export function Monthly() {
  const [month, setMonth] = useState(monthOfAddress());
  return (
    <div>
      <div class="card row spread no-print">
        <div class="field">
          <label for="month">Month (UTC)</label>
          <input
            id="month"
            type="month"
            min="2020-01"
            max={thisMonth()}
            value={month}
            onChange={(event: Event) => {
              const chosen = (event.target as HTMLInputElement).value;
              if (chosen === '') return;
              history.replaceState(null, '', `?month=${chosen}`);
              setMonth(chosen);
            }}
          />
        </div>
        <span class="row">
          <a href={`./v1/statement?month=${month}&format=csv`}>Download as CSV</a>
          <button type="button" onClick={() => print()}>
            Print
          </button>
        </span>
      </div>
      <Month key={month} month={month} />
    </div>
  );
}

function Month({ month }: { readonly month: string }) {
  const { value, problem } = useLoaded(() =>
    call<Statement>('GET', `/v1/statement?month=${month}`),
  );
  if (problem !== undefined) return <Notice problem={problem} />;
  if (value === undefined) return <p class="empty">Loading…</p>;
  const { account, name, opening, closing, sums } = value;
  return (
    <>
      <p>
        {name} <code>{account}</code>, {month} (UTC)
      </p>
      <div class="card">
        <dl class="sum" aria-label="Summary">
          <div>
            <dt>Opening balance</dt>
            <dd data-sum="opening">{usd(opening)}</dd>
          </div>
          {SUMS.map(
            ([kind, title]) =>
              sums[kind] !== undefined && (
                <div key={kind}>
                  <dt>{title}</dt>
                  <dd data-sum={kind}>{signed(sums[kind])}</dd>
                </div>
              ),
          )}
          <div>
            <dt>Closing balance</dt>
            <dd data-sum="closing">{usd(closing)}</dd>
          </div>
        </dl>
        <p class="small">
          Balances here include what is held for predictions in progress, less what is owed.
        </p>
      </div>
      <Table
        caption={`Statement of ${month}`}
        columns={COLUMNS}
        rows={monthlyRows(value)}
        empty="No charges or payments in this month."
        keyOf={({ id }) => id}
      />
    </>
  );
}

function thisMonth(): string {
  return new Date().toISOString().slice(0, 7);
}

function monthOfAddress(): string {
  const asked = new URLSearchParams(location.search).get('month') ?? '';
  return /^\d{4}-\d{2}$/.test(asked) ? asked : thisMonth();
}
