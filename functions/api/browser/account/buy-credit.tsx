import { useEffect, useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import type { Topup } from '#functions/api/payments/topup-schema.ts';

/** How long after a payment its credit is looked for, and how often. */
const LOOKS = 5;
const LOOK_MS = 2000;

/** Leads to the page that takes the card, and says thank you to those who come back from it. */
export function BuyCredit({ paid }: { paid(): void }) {
  const [problem, setProblem] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  const hasPaid = new URLSearchParams(location.search).has('paid');
  useEffect(() => {
    if (!hasPaid) return undefined;
    let looks = 0;
    const timer = setInterval(() => {
      paid();
      if (++looks === LOOKS) clearInterval(timer);
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const dollars = Number(new FormData(event.target as HTMLFormElement).get('dollars'));
    setBusy(true);
    try {
      const amount = Math.round(dollars * 100) * 10_000;
      location.href = (await call<Topup>('POST', '/v1/topups', { amount })).url;
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event: Event) => void submit(event)}>
      {hasPaid && (
        <p role="status">Thank you. The credit is below as soon as the payment is confirmed.</p>
      )}
      <div class="row">
        <label for="dollars">Buy credit, in $</label>
        <input
          id="dollars"
          name="dollars"
          type="number"
          min="1"
          max="10000"
          step="0.01"
          value="10"
          required
        />
        <button type="submit" disabled={isBusy}>
          Pay by card
        </button>
      </div>
      {problem !== undefined && <Notice problem={problem} />}
    </form>
  );
}
