import { useState } from 'hono/jsx/dom';

/** Sends a test event to a receiver; its delivery then shows below how it was taken. */
export function WebhookTest({ send }: { readonly send: (url: string) => Promise<void> }) {
  const [url, setUrl] = useState('');
  const [isSending, setIsSending] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setIsSending(true);
    await send(url.trim());
    setIsSending(false);
  };
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Test a receiver
        <input
          type="url"
          placeholder="https://… (empty: the account's webhook)"
          value={url}
          onInput={(event: Event) => setUrl((event.target as HTMLInputElement).value)}
        />
      </label>
      <button type="submit" disabled={isSending}>
        Send test event
      </button>
    </form>
  );
}
