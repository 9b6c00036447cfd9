interface SignInProps {
  readonly problem?: string;
  /** The page to go to afterwards. */
  readonly to: string;
  /** The server prints links that sign in without a key. */
  readonly hasLinks: boolean;
}

/** The form that takes an API key; the key goes into a cookie that no script can read. */
export function SignIn({ problem, to, hasLinks }: SignInProps) {
  return (
    <form method="post" action="./sign-in" class="card composer narrow">
      {problem !== undefined && (
        <div class="notice" role="alert">
          <p>{problem}</p>
        </div>
      )}
      {hasLinks && (
        <p>
          On the server’s own machine, <code>onestep open</code> prints a link that signs you in; in
          a clone, <code>npx --no onestep open</code> does.
        </p>
      )}
      <input type="hidden" name="to" value={to} />
      <div class="field">
        <label for="key">API key</label>
        <input
          id="key"
          name="key"
          type="password"
          required
          autocomplete="current-password"
          placeholder="os_live_…"
        />
      </div>
      <button type="submit" class="primary">
        <span>Sign in</span>
      </button>
      <p class="small">
        Keys, credits and webhooks need a key with the “admin” scope. Where the server runs,
        “onestep keys” lists and makes keys.
      </p>
    </form>
  );
}
