import type { Key } from '#functions/api/account/account-schema.ts';

const SCOPES = [
  ['predict', 'make pictures'],
  ['read', 'see predictions, usage and the ledger'],
  ['admin', 'manage keys, credit and webhooks'],
] as const;

/** What a form says of a key, as the API takes it. */
export interface KeyValues {
  readonly label: string;
  readonly scopes: Key['scopes'];
  readonly rate_per_minute: number;
  readonly day_cap: number | null;
  readonly month_cap: number | null;
  readonly expires_at: string | null;
}

const DEFAULT_RATE = 600;

/** The fields of a key, new or stored; `id` keeps those of two forms apart. */
export function KeyFields({ id, stored }: { readonly id: string; readonly stored?: Key }) {
  return (
    <>
      <div class="row">
        <div class="field">
          <label for={`${id}-label`}>Label</label>
          <input
            id={`${id}-label`}
            name="label"
            maxLength={100}
            placeholder="website"
            value={stored?.label ?? ''}
          />
        </div>
        <div class="field">
          <label for={`${id}-rate`}>Requests per minute</label>
          <input
            id={`${id}-rate`}
            name="rate"
            type="number"
            min="1"
            max="10000000"
            step="1"
            required
            value={String(stored?.rate_per_minute ?? DEFAULT_RATE)}
          />
        </div>
        <div class="field">
          <label for={`${id}-expires`}>Expires</label>
          <input
            id={`${id}-expires`}
            name="expires"
            type="datetime-local"
            value={localTime(stored?.expires_at ?? null)}
          />
        </div>
      </div>
      <div class="row">
        <CapField id={`${id}-day`} name="day_cap" label="Daily limit, in $" cap={stored?.day_cap} />
        <CapField
          id={`${id}-month`}
          name="month_cap"
          label="Monthly limit, in $"
          cap={stored?.month_cap}
        />
      </div>
      <fieldset class="scopes">
        <legend>Scopes</legend>
        {SCOPES.map(([scope, meaning]) => (
          <label key={scope} class="check">
            <input
              type="checkbox"
              name="scope"
              value={scope}
              checked={stored === undefined ? scope !== 'admin' : stored.scopes.includes(scope)}
            />
            <span>
              <strong>{scope}</strong>: {meaning}
            </span>
          </label>
        ))}
      </fieldset>
    </>
  );
}

interface CapFieldProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly cap: number | null | undefined;
}

function CapField({ id, name, label, cap }: CapFieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type="number"
        min="0"
        step="0.01"
        placeholder="No limit"
        value={typeof cap === 'number' ? String(cap / 1_000_000) : ''}
      />
    </div>
  );
}

/** What the form says now. */
export function readKeyFields(form: HTMLFormElement): KeyValues {
  const data = new FormData(form);
  const chosen = data.getAll('scope');
  const expires = String(data.get('expires') ?? '');
  return {
    label: String(data.get('label')),
    scopes: SCOPES.map(([scope]) => scope).filter((scope) => chosen.includes(scope)),
    rate_per_minute: Number(data.get('rate')),
    day_cap: toMicroUsd(data.get('day_cap')),
    month_cap: toMicroUsd(data.get('month_cap')),
    expires_at: expires === '' ? null : new Date(expires).toISOString(),
  };
}

function toMicroUsd(dollars: FormDataEntryValue | null): number | null {
  return dollars === null || dollars === '' ? null : Math.round(Number(dollars) * 1_000_000);
}

/** As a `datetime-local` field has it: the reader's own time, without a zone. */
function localTime(iso: string | null): string {
  if (iso === null) return '';
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
