import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { when } from '#functions/api/browser/format.ts';
import { Confirm } from '#functions/api/browser/parts/confirm.tsx';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import type { RotatedSecret } from '#functions/api/webhooks/webhook-schema.ts';

/** As shown, or as made by a rotation. */
type Secret = Pick<RotatedSecret, 'key'> & Partial<RotatedSecret>;

/** The secret that signs webhooks: shown when asked for, changed with an overlap of a day. */
export function WebhookSecret() {
  const [secret, setSecret] = useState<Secret | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const [asking, setAsking] = useState(false);
  const get = async (load: () => Promise<Secret>) => {
    try {
      setSecret(await load());
      setProblem(undefined);
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <div class="card">
      <h2>Signing secret</h2>
      <p class="small">
        Every webhook is signed with this secret, so your receiver can tell that it came from here.
      </p>
      {problem !== undefined && <Notice problem={problem} />}
      {secret !== undefined && (
        <p class="row">
          <code class="secret">{secret.key}</code>{' '}
          <CopyButton text={secret.key} label="Copy secret" />
        </p>
      )}
      {secret?.previous_expires_at && (
        <p class="hint">The old secret also signs until {when(secret.previous_expires_at)}.</p>
      )}
      <p class="row">
        <button
          type="button"
          onClick={() => void get(() => call<Secret>('GET', '/v1/webhooks/default/secret'))}
        >
          Show
        </button>
        <button type="button" onClick={() => setAsking(true)}>
          Rotate
        </button>
      </p>
      {asking && (
        <Confirm
          title="Rotate the signing secret?"
          text="For one day, webhooks are signed with both secrets. Give your receivers the new one before then."
          action="Rotate"
          confirm={() =>
            void get(() => call<Secret>('POST', '/v1/webhooks/default/secret/rotate', {}))
          }
          close={() => setAsking(false)}
        />
      )}
    </div>
  );
}
