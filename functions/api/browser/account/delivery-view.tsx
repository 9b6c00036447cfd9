import { useEffect, useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { duration, when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Dialog } from '#functions/api/browser/parts/dialog.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import type { DeliveryLog } from '#functions/api/webhooks/webhook-schema.ts';

type Attempt = DeliveryLog['log'][number];

const COLUMNS: readonly Column<Attempt>[] = [
  { title: 'Attempt', number: true, cell: ({ number }) => number },
  { title: 'When', cell: ({ at }) => when(at) },
  { title: 'Took', number: true, cell: ({ duration_ms }) => duration(duration_ms) },
  { title: 'Answer', cell: ({ status, failure }) => failure ?? status ?? '–' },
];

/** One delivery: each attempt, and what its body is: the prediction as it is now. */
export function DeliveryView({ id, close }: { readonly id: string; close(): void }) {
  const [delivery, setDelivery] = useState<DeliveryLog | undefined>(undefined);
  const [payload, setPayload] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  useEffect(() => {
    const load = async () => {
      const path = `/v1/webhooks/deliveries/${encodeURIComponent(id)}`;
      const loaded = await call<DeliveryLog>('GET', path);
      setDelivery(loaded);
      const prediction = await call('GET', `/v1/predictions/${loaded.prediction}`);
      setPayload(JSON.stringify(prediction, null, 2));
    };
    load().catch(setProblem);
  }, [id]);
  return (
    <Dialog
      title={`Delivery${delivery === undefined ? '' : ` of “${delivery.event}”`}`}
      wide
      close={close}
    >
      {(end) => (
        <>
          <p class="small">
            {id}
            {delivery !== undefined && ` to ${delivery.url}`}
          </p>
          {problem !== undefined && <Notice problem={problem} />}
          <Table
            caption="Attempts"
            columns={COLUMNS}
            rows={problem === undefined ? delivery?.log : []}
            empty="It has not been sent yet."
            keyOf={({ number }) => String(number)}
          />
          {payload !== undefined && <pre tabIndex={0}>{payload}</pre>}
          <div class="row actions">
            {payload !== undefined && <CopyButton text={payload} label="Copy the body" />}
            <button type="button" onClick={end}>
              Close
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
