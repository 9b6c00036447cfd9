import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';

interface Secret {
  readonly key: string;
  readonly previous_expires_at?: string | null;
}

/** The secret that signs webhooks: shown when asked for, changed with an overlap of a day. */
export function WebhookSecret() {
  const [secret, setSecret] = useState<Secret | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const get = (load: () => Promise<Secret>) => {
    load().then(setSecret, setProblem);
  };
  return (
    <div class="card">
      <h2>Signing secret</h2>
      {problem !== undefined && <Notice problem={problem} />}
      {secret !== undefined && (
        <p class="row">
          <code class="secret">{secret.key}</code> <CopyButton text={secret.key} />
        </p>
      )}
      {secret?.previous_expires_at && (
        <p class="hint">The old secret signs beside it until {when(secret.previous_expires_at)}.</p>
      )}
      <div class="row">
        <button
          type="button"
          onClick={() => get(() => call<Secret>('GET', '/v1/webhooks/default/secret'))}
        >
          Show
        </button>
        <button
          type="button"
          onClick={() => get(() => call<Secret>('POST', '/v1/webhooks/default/secret/rotate', {}))}
        >
          Rotate
        </button>
      </div>
    </div>
  );
}
