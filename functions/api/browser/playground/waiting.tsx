import { useEffect, useRef, useState } from 'hono/jsx/dom';
import { duration } from '#functions/api/browser/format.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import type { WaitingRun } from './use-run.ts';

const TICK_MS = 200;
/** Less time left than this is not shown. */
const SHORT_MS = 2000;

const PHASES: Readonly<Record<string, string>> = {
  queued: 'In the queue',
  provisioning: 'Starting a GPU',
  loading: 'Loading the model',
  running: 'Drawing',
};

/** The phase, the place in the queue, how long it has taken and will take. */
export function Waiting({ run }: { readonly run: WaitingRun }) {
  const { prediction, since } = run;
  const now = useNow();
  const leftMs = useTimeLeft(prediction, now);
  const tookMs = Math.max(0, now - since);
  const share = leftMs === undefined ? 0 : tookMs / Math.max(1, tookMs + leftMs);
  return (
    <div class="waiting">
      <p class="phase">{waitingText(run)}</p>
      <p class="clock">
        {duration(tookMs)}
        {leftMs !== undefined && leftMs > SHORT_MS && ` · about ${wholeSeconds(leftMs)} left`}
      </p>
      <progress
        class={leftMs === undefined ? 'unsure' : ''}
        max="1"
        value={leftMs === undefined ? undefined : share}
        aria-label="Progress"
      />
    </div>
  );
}

/** The phase and the place in the queue; it changes rarely enough to be announced. */
export function waitingText({ prediction, canceling, disconnected }: WaitingRun): string {
  if (disconnected) return 'Connection lost. Your picture is still being made; reconnecting…';
  if (canceling) return 'Cancelling…';
  const phase = PHASES[prediction?.phase ?? 'queued'] ?? 'Working';
  const position = prediction?.queue_position;
  if (typeof position === 'number' && position > 0) return `${phase} · ${position} ahead of yours`;
  const made = imagesMade(prediction);
  return made === undefined ? `${phase}…` : `${phase} · ${made}`;
}

/** `2 of 4 done`, by the last line of the progress log. */
function imagesMade(prediction: Prediction | undefined): string | undefined {
  const [, done, all] = / (\d+)\/(\d+)\s*$/.exec(prediction?.logs ?? '') ?? [];
  return done === undefined || all === '1' ? undefined : `${done} of ${all} done`;
}

function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** The estimate, counted down since it came. */
function useTimeLeft(prediction: Prediction | undefined, now: number): number | undefined {
  const told = useRef<{ of: Prediction; at: number } | null>(null);
  const eta = prediction?.eta_seconds;
  if (prediction === undefined || typeof eta !== 'number') return undefined;
  if (told.current?.of !== prediction) told.current = { of: prediction, at: now };
  return Math.max(0, eta * 1000 - (now - told.current.at));
}

/** Counting down tenths would look more precise than it is. */
function wholeSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}
