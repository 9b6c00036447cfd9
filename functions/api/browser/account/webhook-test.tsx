/** Sends a test event to a receiver; the delivery then shows how it was taken. */
export function WebhookTest({ send }: { send(url: string): Promise<void> }) {
  const submit = (event: Event) => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    void send(String(data.get('url')).trim());
  };
  return (
    <form class="card" onSubmit={submit}>
      <h2>Test a receiver</h2>
      <div class="field">
        <label for="test-url">URL</label>
        <input
          id="test-url"
          name="url"
          type="url"
          required
          placeholder="https://shop.example.com/hook"
        />
      </div>
      <p class="row">
        <button type="submit">Send test event</button>
      </p>
    </form>
  );
}
