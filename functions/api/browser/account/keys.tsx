import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { NewKeyForm } from './new-key-form.tsx';

interface Key {
  readonly id: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly rate_per_minute: number;
  readonly day_cap: number | null;
  readonly month_cap: number | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

/** API keys: made here and shown once, rotated with an overlap of a day, revoked for good. */
export function Keys() {
  const { value, problem, reload } = useLoaded(() =>
    call<{ results: readonly Key[] }>('GET', '/v1/keys'),
  );
  const [issued, setIssued] = useState<string | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  const act = async (path: string, body: unknown = {}) => {
    try {
      const answer = await call<{ key?: string }>('POST', path, body);
      setIssued(answer.key);
      setFailure(undefined);
      reload();
    } catch (error) {
      setFailure(error);
    }
  };
  const columns: readonly Column<Key>[] = [
    { title: 'Label', cell: ({ label }) => label || '–' },
    { title: 'Id', cell: ({ id }) => <code>{id}</code> },
    { title: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
    { title: 'Per day', number: true, cell: ({ day_cap }) => capText(day_cap) },
    { title: 'Per month', number: true, cell: ({ month_cap }) => capText(month_cap) },
    { title: 'Rate', number: true, cell: (key) => `${key.rate_per_minute}/min` },
    { title: 'State', cell: stateText },
    {
      title: 'Actions',
      cell: (key) =>
        key.revoked_at === null && (
          <span class="row">
            <button
              type="button"
              class="quiet"
              onClick={() => void act(`/v1/keys/${key.id}/rotate`)}
            >
              Rotate
            </button>
            <button
              type="button"
              class="quiet danger"
              onClick={() => {
                if (confirm(`Revoke ${key.label || key.id}? It stops working at once, for good.`)) {
                  void act(`/v1/keys/${key.id}/revoke`);
                }
              }}
            >
              Revoke
            </button>
          </span>
        ),
    },
  ];
  if (problem !== undefined) return <Notice problem={problem} />;
  return (
    <div>
      {failure !== undefined && <Notice problem={failure} />}
      {issued !== undefined && (
        <div class="card" role="status">
          <strong>Copy the new key now: it is not shown again.</strong>
          <p class="row">
            <code class="secret">{issued}</code> <CopyButton text={issued} />
          </p>
        </div>
      )}
      <NewKeyForm create={(key) => act('/v1/keys', key)} />
      <Table
        caption="API keys"
        columns={columns}
        rows={value?.results ?? []}
        keyOf={({ id }) => id}
      />
    </div>
  );
}

function capText(cap: number | null): string {
  return cap === null ? 'no cap' : usd(cap);
}

function stateText({ revoked_at, expires_at }: Key): string {
  if (revoked_at !== null) return `revoked ${when(revoked_at)}`;
  if (expires_at === null) return 'in force';
  return `${Date.parse(expires_at) < Date.now() ? 'expired' : 'expires'} ${when(expires_at)}`;
}
