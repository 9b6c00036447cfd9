import { call } from '#functions/api/browser/api.ts';
import { duration, when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Dialog } from '#functions/api/browser/parts/dialog.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { useWhileVisible } from '#functions/api/browser/parts/use-while-visible.ts';
import type { DeliveryDetails } from '#functions/api/webhooks/webhook-schema.ts';

/** How often a delivery that is still being tried is looked at. */
const LOOK_MS = 2000;

type Attempt = DeliveryDetails['log'][number];

const COLUMNS: readonly Column<Attempt>[] = [
  { title: 'Attempt', number: true, cell: ({ number }) => number },
  { title: 'When', cell: ({ at }) => when(at) },
  { title: 'Took', number: true, cell: ({ duration_ms }) => duration(duration_ms) },
  { title: 'Status', number: true, cell: ({ status }) => status ?? '–' },
  { title: 'Result', cell: ({ failure }) => (failure === null ? 'OK' : failureText(failure)) },
];

function failureText(failure: string): string {
  return failure === 'http-error' ? 'HTTP error' : failure.replaceAll('-', ' ');
}

/** One delivery: each attempt with the receiver's answer, and the body as it is sent. */
export function DeliveryView({ id, close }: { readonly id: string; close(): void }) {
  const {
    value: delivery,
    problem,
    reload,
  } = useLoaded(() =>
    call<DeliveryDetails>('GET', `/v1/webhooks/deliveries/${encodeURIComponent(id)}`),
  );
  useWhileVisible(() => {
    if (delivery?.status === 'pending') reload();
  }, LOOK_MS);
  const sent = delivery?.body ?? delivery?.account_event;
  const body = sent ? JSON.stringify(sent, null, 2) : undefined;
  return (
    <Dialog
      title={`Delivery${delivery === undefined ? '' : `: ${delivery.event}`}`}
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
            empty="Not sent yet."
            keyOf={({ number }) => String(number)}
          />
          {body !== undefined && (
            <>
              <h3>Body</h3>
              <pre tabIndex={0}>{body}</pre>
            </>
          )}
          <div class="row actions">
            {body !== undefined && <CopyButton text={body} label="Copy body" />}
            <button type="button" onClick={end}>
              Close
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}
