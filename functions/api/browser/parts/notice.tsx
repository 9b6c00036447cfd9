import { useEffect, useState } from 'hono/jsx/dom';
import { Problem } from '#functions/api/browser/api.ts';

/** Says what went wrong, what to do about it, and counts down to when trying again makes sense. */
export function Notice({ problem }: { readonly problem: unknown }) {
  const known = problem instanceof Problem ? problem : undefined;
  const left = useCountdown(known?.retryAfterSeconds);
  return (
    <div class="notice" role="alert">
      <strong>{title(known)}</strong>
      <p>{problem instanceof Error ? problem.message : String(problem)}</p>
      {left > 0 && <p>Try again in {left} s.</p>}
      {known?.topupUrl && (
        <p>
          <a href={known.topupUrl}>Top up</a>
        </p>
      )}
      {known?.status === 401 && (
        <p>
          <a href="/sign-in">Sign in with an API key</a>
        </p>
      )}
    </div>
  );
}

const TITLES: Readonly<Record<string, string>> = {
  unauthenticated: 'This key does not work',
  insufficient_funds: 'Not enough credit',
  key_budget_exceeded: 'This key has spent its budget',
  rate_limited: 'Too many requests',
  queue_full: 'The queue is full',
  model_loading: 'The model is still loading',
  invalid_input: 'The request can’t be run as it is',
  content_blocked: 'This prompt is not allowed here',
};

function title(problem: Problem | undefined): string {
  if (problem === undefined) return 'Something went wrong';
  if (problem.status === 0) return 'No connection';
  return TITLES[problem.code] ?? 'That did not work';
}

function useCountdown(seconds: number | undefined): number {
  const [left, setLeft] = useState(seconds ?? 0);
  useEffect(() => {
    setLeft(seconds ?? 0);
    if (seconds === undefined) return undefined;
    const until = Date.now() + seconds * 1000;
    const timer = setInterval(() => {
      const rest = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setLeft(rest);
      if (rest === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [seconds]);
  return left;
}
