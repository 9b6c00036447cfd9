import type { NewKey } from '#functions/api/account/account-schema.ts';
import { KeyFields, readKeyFields } from './key-fields.tsx';

export function NewKeyForm({ create }: { create(key: NewKey): Promise<boolean> }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const { scopes, ...values } = readKeyFields(form);
    void create({ ...values, scopes: [...scopes] }).then((made) => {
      // After a refusal, the form keeps what was typed.
      if (made) form.reset();
    });
  };
  return (
    <form class="card composer" onSubmit={submit}>
      <h2>New key</h2>
      <KeyFields id="new" />
      <div>
        <button type="submit" class="primary">
          Create key
        </button>
      </div>
    </form>
  );
}
