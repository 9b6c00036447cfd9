import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { State } from '#functions/api/browser/parts/state.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { useWhileVisible } from '#functions/api/browser/parts/use-while-visible.ts';
import { usePages } from '#functions/api/browser/parts/use-pages.ts';
import type { Delivery, Endpoint } from '#functions/api/webhooks/webhook-schema.ts';
import { DeliveryView } from './delivery-view.tsx';
import { WebhookTest } from './webhook-test.tsx';
import { WebhookSecret } from './webhook-secret.tsx';

/** How often new rows are looked for. */
const LOOK_MS = 3000;

/** What was sent where, how it went, and the secret that proves it came from here. */
export function Webhooks() {
  const deliveries = usePages<Delivery>('/v1/webhooks/deliveries?limit=50');
  const endpoints = useLoaded(() =>
    call<{ results: readonly Endpoint[] }>('GET', '/v1/webhooks/endpoints'),
  );
  const [shown, setShown] = useState<string | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  const act = async (path: string, body: unknown = {}) => {
    try {
      await call('POST', path, body);
      setFailure(undefined);
      deliveries.reload();
      endpoints.reload();
    } catch (error) {
      setFailure(error);
    }
  };
  useWhileVisible(() => {
    deliveries.refresh();
    endpoints.reload();
  }, LOOK_MS);
  const problem = deliveries.problem ?? endpoints.problem;
  if (problem !== undefined) return <Notice problem={problem} />;
  return (
    <div>
      {failure !== undefined && <Notice problem={failure} />}
      <WebhookSecret />
      <WebhookTest send={(url) => act('/v1/webhooks/test', { url })} />
      <h2>Receivers with problems</h2>
      <Table
        caption="Receivers with problems"
        columns={endpointColumns((url) => void act('/v1/webhooks/endpoints/enable', { url }))}
        rows={endpoints.value?.results}
        empty={
          <>
            No receiver has failed. When you create a prediction, pass a <code>webhook</code> URL
            and we POST the prediction to it.
          </>
        }
        keyOf={({ url }) => url}
      />
      <h2>Deliveries</h2>
      <Table
        caption="Deliveries"
        columns={deliveryColumns(
          setShown,
          (id) => void act(`/v1/webhooks/deliveries/${encodeURIComponent(id)}/resend`),
        )}
        rows={deliveries.rows}
        empty="No webhooks sent yet."
        more={deliveries.more}
        keyOf={({ id }) => id}
      />
      {shown !== undefined && <DeliveryView id={shown} close={() => setShown(undefined)} />}
    </div>
  );
}

function endpointColumns(enable: (url: string) => void): readonly Column<Endpoint>[] {
  return [
    { title: 'URL', long: true, cell: ({ url }) => url },
    { title: 'State', cell: EndpointState },
    {
      title: 'Actions',
      cell: ({ url, disabled_at }) =>
        disabled_at !== null && (
          <button type="button" class="quiet" onClick={() => enable(url)}>
            Enable
          </button>
        ),
    },
  ];
}

function EndpointState({ failing_since, disabled_at, disabled_reason }: Endpoint) {
  if (disabled_at !== null) {
    return (
      <State tone="bad">
        disabled {when(disabled_at)}: {disabled_reason}
      </State>
    );
  }
  if (failing_since !== null) return <State tone="bad">failing since {when(failing_since)}</State>;
  return <State tone="good">OK</State>;
}

const TONES = { pending: 'neutral', delivered: 'good', abandoned: 'bad' } as const;

function deliveryColumns(
  show: (id: string) => void,
  resend: (id: string) => void,
): readonly Column<Delivery>[] {
  return [
    { title: 'When', cell: ({ created_at }) => when(created_at) },
    { title: 'Event', cell: ({ event }) => event },
    {
      title: 'Prediction',
      cell: ({ prediction }) =>
        prediction === null ? '–' : <a href={`./?prediction=${prediction}`}>{prediction}</a>,
    },
    { title: 'URL', long: true, cell: ({ url }) => url },
    {
      title: 'State',
      cell: ({ status, next_attempt_at }) => (
        <State tone={TONES[status]}>
          {next_attempt_at === null ? status : `${status}, next try ${when(next_attempt_at)}`}
        </State>
      ),
    },
    { title: 'Attempts', number: true, cell: ({ attempts }) => attempts },
    {
      title: 'Actions',
      cell: ({ id, status }) => (
        <span class="row">
          <button type="button" class="quiet" onClick={() => show(id)}>
            View
          </button>
          {status !== 'pending' && (
            <button type="button" class="quiet" onClick={() => resend(id)}>
              Resend
            </button>
          )}
        </span>
      ),
    },
  ];
}
