import { useEffect, useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { duration, when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';

interface Attempt {
  readonly number: number;
  readonly at: string;
  readonly duration_ms: number;
  readonly status: number | null;
  readonly failure: string | null;
}

interface DeliveryLog {
  readonly prediction: string;
  readonly log: readonly Attempt[];
}

const COLUMNS: readonly Column<Attempt>[] = [
  { title: 'Attempt', number: true, cell: ({ number }) => number },
  { title: 'When', cell: ({ at }) => when(at) },
  { title: 'Took', number: true, cell: ({ duration_ms }) => duration(duration_ms) },
  { title: 'Answer', cell: ({ status, failure }) => failure ?? status ?? '–' },
];

/** One delivery: each attempt, and what its body is: the prediction as it stands. */
export function DeliveryView({ id, close }: { readonly id: string; close(): void }) {
  const [delivery, setDelivery] = useState<DeliveryLog | undefined>(undefined);
  const [payload, setPayload] = useState<unknown>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  useEffect(() => {
    const load = async () => {
      const path = `/v1/webhooks/deliveries/${encodeURIComponent(id)}`;
      const loaded = await call<DeliveryLog>('GET', path);
      setDelivery(loaded);
      setPayload(await call('GET', `/v1/predictions/${loaded.prediction}`));
    };
    load().catch(setProblem);
  }, [id]);
  return (
    <div class="card">
      <div class="row">
        <strong>{id}</strong>
        <button type="button" class="quiet" onClick={close}>
          Close
        </button>
      </div>
      {problem !== undefined && <Notice problem={problem} />}
      {delivery !== undefined && (
        <Table
          caption="Attempts"
          columns={COLUMNS}
          rows={delivery.log}
          keyOf={({ number }) => String(number)}
        />
      )}
      {payload !== undefined && <pre tabIndex={0}>{JSON.stringify(payload, null, 2)}</pre>}
    </div>
  );
}
