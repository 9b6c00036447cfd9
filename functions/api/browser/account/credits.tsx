import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';

interface Account {
  readonly balance: number;
  readonly held: number;
  readonly topup_url: string | null;
}

interface Entry {
  readonly id: string;
  readonly kind: 'grant' | 'hold' | 'capture' | 'release' | 'expiry';
  readonly at: string;
  readonly amount: number;
  readonly prediction: string | null;
  readonly model: string | null;
  readonly reference: string | null;
  readonly note: string | null;
}

interface Page {
  readonly next: string | null;
  readonly results: readonly Entry[];
}

const MEANING: Readonly<Record<Entry['kind'], string>> = {
  grant: 'credit added',
  hold: 'held for a prediction',
  capture: 'charged',
  release: 'given back',
  expiry: 'credit expired',
};

const COLUMNS: readonly Column<Entry>[] = [
  { title: 'When', cell: ({ at }) => when(at) },
  { title: 'What', cell: ({ kind }) => MEANING[kind] },
  { title: 'Amount', number: true, cell: ({ amount }) => usd(amount) },
  { title: 'For', cell: (entry) => entry.prediction ?? entry.reference ?? entry.note ?? '' },
  { title: 'Model', cell: ({ model }) => model ?? '' },
];

/** What can be spent, what is held, and every movement of the money. */
export function Credits() {
  const account = useLoaded(() => call<Account>('GET', '/v1/account'));
  const first = useLoaded(() => call<Page>('GET', '/v1/ledger?limit=50'));
  const [older, setOlder] = useState<readonly Page[]>([]);
  const pages = first.value === undefined ? [] : [first.value, ...older];
  const next = pages.at(-1)?.next ?? null;
  const showMore = async () => {
    if (next === null) return;
    const { pathname, search } = new URL(next);
    setOlder([...older, await call<Page>('GET', pathname + search)]);
  };
  const problem = account.problem ?? first.problem;
  if (problem !== undefined) return <Notice problem={problem} />;
  return (
    <div>
      <div class="card">
        <dl>
          <div>
            <dt>balance</dt>
            <dd class="large">{usd(account.value?.balance ?? 0)}</dd>
          </div>
          <div>
            <dt>held for open predictions</dt>
            <dd class="large">{usd(account.value?.held ?? 0)}</dd>
          </div>
        </dl>
        {account.value?.topup_url && <a href={account.value.topup_url}>Top up</a>}
      </div>
      <h2>Ledger</h2>
      <Table
        caption="Ledger"
        columns={COLUMNS}
        rows={pages.flatMap(({ results }) => results)}
        keyOf={({ id }) => id}
      />
      {next !== null && (
        <button type="button" onClick={() => void showMore()}>
          Show more
        </button>
      )}
    </div>
  );
}
