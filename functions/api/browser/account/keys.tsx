import { useState } from 'hono/jsx/dom';
import type { IssuedKey, Key } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { Confirm } from '#functions/api/browser/parts/confirm.tsx';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { State } from '#functions/api/browser/parts/state.tsx';
import { type Column, Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { NewKeyForm } from './new-key-form.tsx';

/** API keys: made here and shown once, rotated with an overlap of a day, revoked for good. */
export function Keys() {
  const { value, problem, reload } = useLoaded(() =>
    call<{ results: readonly Key[] }>('GET', '/v1/keys'),
  );
  const [issued, setIssued] = useState<string | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  const [doomed, setDoomed] = useState<Key | undefined>(undefined);
  const act = async (path: string, body: unknown = {}) => {
    try {
      const answer = await call<Partial<IssuedKey>>('POST', path, body);
      setIssued(answer.key);
      setFailure(undefined);
      reload();
      return true;
    } catch (error) {
      setFailure(error);
      return false;
    }
  };
  const columns: readonly Column<Key>[] = [
    { title: 'Label', cell: ({ label }) => label || '–' },
    { title: 'Id', cell: ({ id }) => <code>{id}</code> },
    { title: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
    { title: 'Per day', number: true, cell: ({ day_cap }) => capText(day_cap) },
    { title: 'Per month', number: true, cell: ({ month_cap }) => capText(month_cap) },
    { title: 'Rate', number: true, cell: (key) => `${key.rate_per_minute}/min` },
    { title: 'State', cell: KeyState },
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
            <button type="button" class="quiet danger" onClick={() => setDoomed(key)}>
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
        <div class="card issued" role="status">
          <strong>Copy the new key now: it is not shown again.</strong>
          <p class="row">
            <code class="secret">{issued}</code> <CopyButton text={issued} label="Copy the key" />
          </p>
        </div>
      )}
      <NewKeyForm create={(key) => act('/v1/keys', key)} />
      <Table
        caption="API keys"
        columns={columns}
        rows={value?.results}
        empty="There are no keys."
        keyOf={({ id }) => id}
      />
      {doomed !== undefined && (
        <Confirm
          title={`Revoke ${doomed.label || doomed.id}?`}
          text="Whatever uses this key stops working within a minute, for good. To change a key without a gap, rotate it."
          action="Revoke"
          confirm={() => void act(`/v1/keys/${doomed.id}/revoke`)}
          close={() => setDoomed(undefined)}
        />
      )}
    </div>
  );
}

function capText(cap: number | null): string {
  return cap === null ? 'no cap' : usd(cap);
}

function KeyState({ revoked_at, expires_at }: Key) {
  if (revoked_at !== null) return <State tone="neutral">revoked {when(revoked_at)}</State>;
  if (expires_at === null) return <State tone="good">in force</State>;
  return Date.parse(expires_at) < Date.now() ? (
    <State tone="neutral">expired {when(expires_at)}</State>
  ) : (
    <State tone="good">until {when(expires_at)}</State>
  );
}
