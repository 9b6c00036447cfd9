import { useEffect, useState } from 'hono/jsx/dom';
import { Problem, pathOf } from '#functions/api/browser/api.ts';

interface NoticeProps {
  readonly problem: unknown;
  /** Tries the same again; where the server asks to wait, only after that. */
  readonly retry?: (() => void) | undefined;
}

/** Says what went wrong, what to do about it, and counts down to when trying again makes sense. */
export function Notice({ problem, retry }: NoticeProps) {
  const known = problem instanceof Problem ? problem : undefined;
  const left = useCountdown(known);
  const hopeless = known !== undefined && NOT_AGAIN.has(known.code);
  return (
    <div class="notice">
      <div role="alert">
        <strong>{title(known)}</strong>
        <p>{messageOf(problem)}</p>
      </div>
      {left > 0 && <p class="clock">Try again in {left} s.</p>}
      {known?.topupUrl && (
        <p>
          <a href={known.topupUrl}>Top up</a>
        </p>
      )}
      {(known?.code === 'insufficient_funds' || known?.code === 'account_owes') && (
        <p>
          <a href="./credits">Go to Credits</a>
        </p>
      )}
      {known?.code === 'key_budget_exceeded' && (
        <p>
          <a href="./keys">Change this key’s limits</a>
        </p>
      )}
      {known?.status === 401 && (
        <p>
          <a href={`./sign-in?to=${encodeURIComponent(pathOf(location.href))}`}>
            Sign in with an API key
          </a>
        </p>
      )}
      {retry !== undefined && !hopeless && (
        <button type="button" disabled={left > 0} onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

const TITLES: Readonly<Record<string, string>> = {
  unauthenticated: 'You are signed out',
  permission_denied: 'Not allowed with this key',
  insufficient_funds: 'Not enough credit',
  key_budget_exceeded: 'This key has reached its spending limit',
  rate_limited: 'Too many requests',
  queue_full: 'The queue is full',
  model_loading: 'The model is still loading',
  invalid_input: 'Something in the form needs changing',
  content_blocked: 'Not allowed by this service’s rules',
  not_found: 'Not found',
  gone: 'No longer valid',
  model_error: 'The model could not make this picture',
  out_of_memory: 'The model ran out of memory',
  deadline_exceeded: 'It took too long',
  unavailable: 'Temporarily unavailable',
  account_disabled: 'This account is disabled',
  account_owes: 'This account owes for a payment that was taken back',
};

/** Codes that the same request would get again. */
const NOT_AGAIN = new Set([
  'unauthenticated',
  'permission_denied',
  'content_blocked',
  'not_found',
  'gone',
]);

/** The API's message, except where it speaks of keys: these pages have sessions. */
function messageOf(problem: unknown): string {
  if (problem instanceof Problem && problem.status === 401) {
    return 'Your session has ended, or its key has expired or been revoked.';
  }
  return problem instanceof Error ? problem.message : String(problem);
}

function title(problem: Problem | undefined): string {
  if (problem === undefined) return 'Something went wrong';
  if (problem.status === 0) return 'Connection lost';
  return TITLES[problem.code] ?? 'Something went wrong';
}

function useCountdown(problem: Problem | undefined): number {
  const [left, setLeft] = useState(problem?.retryAfterSeconds ?? 0);
  useEffect(() => {
    const seconds = problem?.retryAfterSeconds;
    setLeft(seconds ?? 0);
    if (seconds === undefined) return undefined;
    const until = Date.now() + seconds * 1000;
    const timer = setInterval(() => {
      const rest = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setLeft(rest);
      if (rest === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}
