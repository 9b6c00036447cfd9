import { useState } from 'hono/jsx/dom';
import type { Key } from '#functions/api/account/account-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { Dialog } from '#functions/api/browser/parts/dialog.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { KeyFields, readKeyFields } from './key-fields.tsx';

interface EditKeyProps {
  readonly stored: Key;
  saved(): void;
  close(): void;
}

/** Changes a key's label, scopes, rate, limits and expiry; its text stays. */
export function EditKey({ stored, saved, close }: EditKeyProps) {
  const [problem, setProblem] = useState<unknown>(undefined);
  const save = async (form: HTMLFormElement, end: () => void) => {
    try {
      const changes = changed(stored, form);
      if (Object.keys(changes).length > 0) await call('PATCH', `/v1/keys/${stored.id}`, changes);
      saved();
      end();
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <Dialog title={`Edit ${stored.label || stored.id}`} wide close={close}>
      {(end) => (
        <form
          class="composer"
          onSubmit={(event: Event) => {
            event.preventDefault();
            void save(event.target as HTMLFormElement, end);
          }}
        >
          {problem !== undefined && <Notice problem={problem} />}
          <KeyFields id="edit" stored={stored} />
          <p class="small">Changes take effect within a minute.</p>
          <div class="row actions">
            <button type="button" onClick={end}>
              Cancel
            </button>
            <button type="submit" class="primary">
              Save
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** Only what differs: an expiry that the form shows to the minute stays as it is to the millisecond. */
function changed(stored: Key, form: HTMLFormElement): Record<string, unknown> {
  const minute = (iso: unknown) => (typeof iso === 'string' ? iso.slice(0, 16) : iso);
  const before: Readonly<Record<string, unknown>> = { ...stored };
  return Object.fromEntries(
    Object.entries(readKeyFields(form)).filter(([name, value]) =>
      name === 'expires_at'
        ? minute(value) !== minute(before[name])
        : JSON.stringify(value) !== JSON.stringify(before[name]),
    ),
  );
}
