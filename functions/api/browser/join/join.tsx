import { useEffect, useState } from 'hono/jsx/dom';
import type { Offer, Redeemed } from '#functions/api/account/invitation-schema.ts';
import { call, Problem } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { forgetKeySecret, hasKeySecret, keySecretFor } from './key-secret.ts';

const TOKEN = /^inv_[0-9a-z]{26}\.[0-9A-Za-z]{24}$/;
const CUT_OFF = new Problem(
  404,
  {
    detail: 'This link is not a whole invitation. Copy it again, to its very end.',
    error: { code: 'not_found' },
  },
  null,
);

/** What an invitation's link opens: the offer, and one press that makes account and key. */
export function Join() {
  // After the #, so that no server and no log sees it.
  const token = location.hash.slice(1);
  const [offer, setOffer] = useState<Offer | undefined>(undefined);
  const [redeemed, setRedeemed] = useState<Redeemed | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const join = async () => {
    setBusy(true);
    try {
      const body = { token, key_secret: keySecretFor(token) };
      setRedeemed(await call<Redeemed>('POST', '/v1/join', body));
      setProblem(undefined);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  useEffect(() => {
    // Another link in the same tab is another invitation.
    addEventListener('hashchange', () => location.reload());
    if (!TOKEN.test(token)) setProblem(CUT_OFF);
    else if (hasKeySecret(token)) void join();
    else call<Offer>('POST', '/v1/join/check', { token }).then(setOffer, setProblem);
  }, []);
  if (redeemed !== undefined) return <Joined redeemed={redeemed} token={token} />;
  if (problem !== undefined && offer === undefined)
    return <Notice problem={problem} retry={join} />;
  if (offer === undefined) return <p class="empty">Loading…</p>;
  return (
    <div class="card narrow">
      <h2>{offer.name}</h2>
      <p>
        This makes an account for you, with an API key
        {offer.credit > 0 && (
          <>
            {' '}
            and <strong>{usd(offer.credit)}</strong> of credit
            {offer.credit_expires_at && <> until {when(offer.credit_expires_at)}</>}
          </>
        )}
        .
      </p>
      {problem !== undefined && <Notice problem={problem} />}
      <button type="button" class="primary" disabled={busy} onClick={() => void join()}>
        <span>Create account</span>
      </button>
      <p class="small">The invitation works once, until {when(offer.expires_at)}.</p>
    </div>
  );
}

/** The key, shown this once, and the way in. */
function Joined({ redeemed, token }: { readonly redeemed: Redeemed; readonly token: string }) {
  const { account, key } = redeemed;
  return (
    <>
      <div class="card issued" role="status">
        <strong>Copy your API key now. You won’t be able to see it again.</strong>
        <p class="row">
          <code class="secret">{key.key}</code> <CopyButton text={key.key} label="Copy key" />
        </p>
        <p>
          The account “{account.name}” has {usd(account.balance)} to spend.
        </p>
      </div>
      <form method="post" action="./sign-in" onSubmit={() => forgetKeySecret(token)}>
        <input type="hidden" name="key" value={key.key} />
        <button type="submit" class="primary">
          <span>Continue</span>
        </button>
      </form>
    </>
  );
}
