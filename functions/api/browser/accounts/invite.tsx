import { useState } from 'hono/jsx/dom';
import type { MadeInvitation } from '#functions/api/account/invitation-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';

const DAY_MS = 86_400_000;

/** Makes a link that lets somebody open an account, and shows it once. */
export function Invite({ made }: { made(): void }) {
  const [invitation, setInvitation] = useState<MadeInvitation | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const values = new FormData(form);
    const body = {
      name: String(values.get('name')),
      credit: Math.round(Number(values.get('credit')) * 1_000_000),
      expires_at: new Date(Date.now() + Number(values.get('days')) * DAY_MS).toISOString(),
    };
    try {
      setInvitation(await call<MadeInvitation>('POST', '/v1/invitations', body));
      setProblem(undefined);
      form.reset();
      made();
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <>
      {invitation !== undefined && (
        <div class="card issued" role="status">
          <strong>Send this link to {invitation.name}. You won’t be able to see it again.</strong>
          <p class="row">
            <code class="secret">{invitation.url}</code>{' '}
            <CopyButton text={invitation.url} label="Copy link" />
          </p>
          <p class="small">It works once, until {when(invitation.expires_at)}.</p>
        </div>
      )}
      <form class="card composer" onSubmit={(event: Event) => void submit(event)}>
        <h2>Invite</h2>
        <div class="row">
          <div class="field">
            <label for="invite-name">Name of the account</label>
            <input id="invite-name" name="name" required maxLength={100} placeholder="The shop" />
          </div>
          <div class="field">
            <label for="invite-credit">Starting credit, in $</label>
            <input
              id="invite-credit"
              name="credit"
              type="number"
              min="0"
              max="1000000"
              step="0.01"
              value="0"
              required
            />
          </div>
          <div class="field">
            <label for="invite-days">Works for, in days</label>
            <input
              id="invite-days"
              name="days"
              type="number"
              min="1"
              max="365"
              step="1"
              value="7"
              required
            />
          </div>
        </div>
        {problem !== undefined && <Notice problem={problem} />}
        <div>
          <button type="submit" class="primary">
            <span>Create link</span>
          </button>
        </div>
      </form>
    </>
  );
}
