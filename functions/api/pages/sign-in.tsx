/** The form that takes an API key; the key goes into a cookie that no script can read. */
export function SignIn({ problem }: { readonly problem?: string }) {
  return (
    <form method="post" action="/sign-in" class="card composer">
      {problem !== undefined && (
        <div class="notice" role="alert">
          <p>{problem}</p>
        </div>
      )}
      <label for="key">API key</label>
      <input
        id="key"
        name="key"
        type="password"
        required
        autocomplete="current-password"
        placeholder="os_live_…"
      />
      <div>
        <button type="submit" class="primary">
          Sign in
        </button>
      </div>
      <p class="hint">
        Pages about keys, credits and webhooks need a key with the “admin” scope. Where the server
        runs, “onestep keys” lists and makes keys.
      </p>
    </form>
  );
}
