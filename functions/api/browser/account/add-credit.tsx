import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';

/** For whoever runs the service: credit for this account, out of nothing. */
export function AddCredit({ added }: { added(): void }) {
  const [problem, setProblem] = useState<unknown>(undefined);
  // The same reference is granted once, however often the button is pressed.
  const [reference, setReference] = useState(newReference());
  const submit = async (event: Event) => {
    event.preventDefault();
    const dollars = Number(new FormData(event.target as HTMLFormElement).get('amount'));
    const amount = Math.round(dollars * 1_000_000);
    try {
      await call('POST', '/v1/credits', { amount, reference, note: 'Added on the Credits page' });
      setReference(newReference());
      setProblem(undefined);
      added();
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <form onSubmit={(event: Event) => void submit(event)}>
      <div class="row">
        <label for="amount">Add credit, in $</label>
        <input
          id="amount"
          name="amount"
          type="number"
          min="0.01"
          max="1000000"
          step="0.01"
          value="10"
          required
        />
        <button type="submit">Add credit</button>
      </div>
      <p class="small">You run this service: this adds credit without a payment.</p>
      {problem !== undefined && <Notice problem={problem} />}
    </form>
  );
}

function newReference(): string {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2));
  return `page-${Date.now()}-${a.toString(36)}${b.toString(36)}`;
}
