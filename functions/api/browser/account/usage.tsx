import { useState } from 'hono/jsx/dom';
import type { Usage } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { Plot } from '#functions/api/browser/parts/plot.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';

/** A row of `by=day,model`. */
interface Row extends Omit<Usage['rows'][number], 'group'> {
  readonly day: string;
  readonly model: string;
}

const DAY_MS = 86_400_000;

const COLUMNS: readonly Column<Row>[] = [
  { title: 'Day (UTC)', cell: ({ day }) => day },
  { title: 'Model', cell: ({ model }) => model },
  { title: 'Predictions', number: true, cell: ({ jobs }) => jobs },
  { title: 'Pictures', number: true, cell: ({ images }) => images },
  { title: 'Charged', number: true, cell: ({ amount }) => usd(amount) },
];

/** What was charged in the last thirty days, by day and model. */
export function UsagePage() {
  const { value, problem } = useLoaded(() => call<Usage>('GET', '/v1/usage?by=day,model'));
  const [model, setModel] = useState('');
  if (problem !== undefined) return <Notice problem={problem} />;
  if (value === undefined) return <p class="hint">Loading…</p>;
  const all = value.rows.map(({ group, ...sums }): Row => {
    return { day: group['day'] ?? '', model: group['model'] ?? '', ...sums };
  });
  const models = [...new Set(all.map((row) => row.model))].sort();
  const rows = all.filter((row) => model === '' || row.model === model);
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  return (
    <div>
      <div class="card">
        <div class="row spread">
          <dl aria-label="Last 30 days">
            <div>
              <dt>Last 30 days</dt>
              <dd class="large">{usd(sum(({ amount }) => amount))}</dd>
            </div>
            <div>
              <dt>Pictures</dt>
              <dd class="large">{sum(({ images }) => images)}</dd>
            </div>
            <div>
              <dt>Predictions</dt>
              <dd class="large">{sum(({ jobs }) => jobs)}</dd>
            </div>
          </dl>
          {models.length > 1 && <ModelFilter models={models} choose={setModel} />}
        </div>
        {rows.length > 0 && <Plot title="Charged by day" bars={byDay(value, rows)} format={usd} />}
        <p class="small">
          <a href="./v1/usage?by=day,model&format=csv">Download as CSV</a>
        </p>
      </div>
      <Table
        caption="Usage by day and model"
        columns={COLUMNS}
        rows={[...rows].reverse()}
        empty="No pictures in the last 30 days."
        keyOf={({ day, model }) => `${day} ${model}`}
      />
    </div>
  );
}

interface ModelFilterProps {
  readonly models: readonly string[];
  choose(model: string): void;
}

function ModelFilter({ models, choose }: ModelFilterProps) {
  return (
    <div class="field">
      <label for="usage-model">Model</label>
      <select
        id="usage-model"
        onChange={(event: Event) => choose((event.target as HTMLSelectElement).value)}
      >
        <option value="">all</option>
        {models.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One bar for every day of the range, including those without a charge. */
function byDay({ from, to }: Usage, rows: readonly Row[]) {
  const sums = new Map<string, number>();
  const first = Math.floor(Date.parse(from) / DAY_MS) * DAY_MS;
  for (let day = first; day < Date.parse(to); day += DAY_MS) {
    sums.set(new Date(day).toISOString().slice(0, 10), 0);
  }
  for (const { day, amount } of rows) sums.set(day, (sums.get(day) ?? 0) + amount);
  return [...sums].map(([label, value]) => ({ label, value }));
}
