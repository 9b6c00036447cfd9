import type { NewKey } from '#functions/api/account/account-schema.ts';

const SCOPES = [
  ['predict', 'order images'],
  ['read', 'see predictions and money'],
  ['admin', 'manage keys, credits and webhooks'],
] as const;

export function NewKeyForm({ create }: { create(key: NewKey): Promise<boolean> }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    const chosen = data.getAll('scope');
    void create({
      label: String(data.get('label')),
      scopes: SCOPES.map(([scope]) => scope).filter((scope) => chosen.includes(scope)),
      day_cap: toMicroUsd(data.get('day_cap')),
      month_cap: toMicroUsd(data.get('month_cap')),
    }).then((made) => {
      // After a refusal, the form keeps what was typed.
      if (made) form.reset();
    });
  };
  return (
    <form class="card composer" onSubmit={submit}>
      <h2>New key</h2>
      <div class="row">
        <div class="field">
          <label for="label">Label</label>
          <input id="label" name="label" maxLength={100} placeholder="website" />
        </div>
        <CapField id="day_cap" label="Most per day, in $" />
        <CapField id="month_cap" label="Most per month, in $" />
      </div>
      <fieldset class="scopes">
        <legend>Scopes</legend>
        {SCOPES.map(([scope, meaning]) => (
          <label key={scope} class="check">
            <input type="checkbox" name="scope" value={scope} checked={scope !== 'admin'} />
            <span>
              <strong>{scope}</strong>: {meaning}
            </span>
          </label>
        ))}
      </fieldset>
      <div>
        <button type="submit" class="primary">
          Make the key
        </button>
      </div>
    </form>
  );
}

function CapField({ id, label }: { readonly id: string; readonly label: string }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} name={id} type="number" min="0" step="0.01" placeholder="no cap" />
    </div>
  );
}

function toMicroUsd(dollars: FormDataEntryValue | null): number | null {
  return dollars === null || dollars === '' ? null : Math.round(Number(dollars) * 1_000_000);
}
