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
import { EditKey } from './edit-key.tsx';
import { NewKeyForm } from './new-key-form.tsx';

/** API keys: made here and shown once, edited, rotated with an overlap of a day, revoked for good. */
export function Keys() {
  const { value, problem, reload } = useLoaded(() =>
    call<{ results: readonly Key[] }>('GET', '/v1/keys'),
  );
  const [issued, setIssued] = useState<string | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  const [edited, setEdited] = useState<Key | undefined>(undefined);
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
  if (problem !== undefined) return <Notice problem={problem} />;
  return (
    <div>
      {failure !== undefined && <Notice problem={failure} />}
      {issued !== undefined && (
        <div class="card issued" role="status">
          <strong>Copy your new key now. You won’t be able to see it again.</strong>
          <p class="row">
            <code class="secret">{issued}</code> <CopyButton text={issued} label="Copy key" />
          </p>
        </div>
      )}
      <NewKeyForm create={(key) => act('/v1/keys', key)} />
      <Table
        caption="API keys"
        columns={columnsOf({
          edit: setEdited,
          rotate: (key) => void act(`/v1/keys/${key.id}/rotate`),
          revoke: setDoomed,
        })}
        rows={value?.results}
        empty="No API keys yet."
        keyOf={({ id }) => id}
      />
      {edited !== undefined && (
        <EditKey stored={edited} saved={reload} close={() => setEdited(undefined)} />
      )}
      {doomed !== undefined && (
        <Confirm
          title={`Revoke ${doomed.label || doomed.id}?`}
          text="Anything that uses this key stops working within a minute, for good. To replace a key without downtime, rotate it instead."
          action="Revoke"
          confirm={() => void act(`/v1/keys/${doomed.id}/revoke`)}
          close={() => setDoomed(undefined)}
        />
      )}
    </div>
  );
}

interface Actions {
  edit(key: Key): void;
  rotate(key: Key): void;
  revoke(key: Key): void;
}

function columnsOf({ edit, rotate, revoke }: Actions): readonly Column<Key>[] {
  return [
    {
      title: 'Key',
      cell: ({ label, id }) => (
        <>
          {label || '–'}
          <br />
          <code class="small">{id}</code>
        </>
      ),
    },
    { title: 'Status', cell: KeyState },
    { title: 'Created', cell: ({ created_at }) => when(created_at) },
    {
      title: 'Last used',
      cell: ({ last_used_at }) => (last_used_at ? when(last_used_at) : 'Never'),
    },
    { title: 'Expires', cell: ({ expires_at }) => (expires_at ? when(expires_at) : 'Never') },
    { title: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
    { title: 'Rate', number: true, cell: (key) => `${key.rate_per_minute}/min` },
    { title: 'Daily limit', number: true, cell: ({ day_cap }) => capText(day_cap) },
    { title: 'Monthly limit', number: true, cell: ({ month_cap }) => capText(month_cap) },
    {
      title: 'Actions',
      cell: (key) =>
        key.revoked_at === null && (
          <span class="row">
            <button type="button" class="quiet" onClick={() => edit(key)}>
              Edit
            </button>
            <button type="button" class="quiet" onClick={() => rotate(key)}>
              Rotate
            </button>
            <button type="button" class="quiet danger" onClick={() => revoke(key)}>
              Revoke
            </button>
          </span>
        ),
    },
  ];
}

function capText(cap: number | null): string {
  return cap === null ? 'None' : usd(cap);
}

function KeyState({ revoked_at, expires_at }: Key) {
  if (revoked_at !== null) return <State tone="neutral">Revoked {when(revoked_at)}</State>;
  const isExpired = expires_at !== null && Date.parse(expires_at) < Date.now();
  return isExpired ? <State tone="neutral">Expired</State> : <State tone="good">Active</State>;
}
