import { useEffect, useState } from 'hono/jsx/dom';
import type { Prediction } from '#functions/api/browser/api.ts';
import { duration, usd } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import type { Run } from './use-run.ts';

/** Where the picture appears: what is being waited for, the result, or what went wrong. */
export function Stage({ run, retry }: { readonly run: Run; retry(): void }) {
  return (
    <section class="stage" aria-label="Picture" aria-busy={run.state === 'waiting'}>
      {run.state === 'idle' && <p class="hint">Your picture appears here.</p>}
      {run.state === 'waiting' && <Waiting prediction={run.prediction} since={run.since} />}
      {run.state === 'failed' && (
        <div>
          <Notice problem={run.problem} />
          <button type="button" onClick={retry}>
            Try again
          </button>
        </div>
      )}
      {run.state === 'done' && <Result prediction={run.prediction} />}
    </section>
  );
}

const PHASES: Readonly<Record<string, string>> = {
  queued: 'Waiting in the queue',
  provisioning: 'A GPU is being started',
  loading: 'The model is loading',
  running: 'Painting',
};

function Waiting({ prediction, since }: { prediction: Prediction | undefined; since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, []);
  const position = prediction?.queue_position;
  const eta = prediction?.eta_seconds;
  return (
    <div class="waiting" role="status">
      <div class="pulse" aria-hidden="true" />
      <p>{PHASES[prediction?.phase ?? 'queued'] ?? 'Working'} …</p>
      {typeof position === 'number' && position > 0 && <p>{position} before this one</p>}
      {typeof eta === 'number' && eta > 2 && <p>about {duration(eta * 1000)} left</p>}
      <p class="clock" aria-hidden="true">
        {duration(now - since)}
      </p>
    </div>
  );
}

function Result({ prediction }: { readonly prediction: Prediction }) {
  const urls = prediction.output ?? [];
  return (
    <div>
      {prediction.status === 'failed' && (
        <Notice problem={new Error(prediction.error ?? 'failed')} />
      )}
      {prediction.status === 'canceled' && (
        <p class="hint">
          Cancelled.{' '}
          {prediction.cost ? `${usd(prediction.cost)} for what was made.` : 'Nothing was charged.'}
        </p>
      )}
      <div class={`pictures n${urls.length}`}>
        {urls.map((url, index) => (
          <a key={url} href={url} target="_blank" rel="noopener">
            <img
              src={url}
              alt={`${String(prediction.input?.['prompt'] ?? 'picture')} (${index + 1})`}
            />
          </a>
        ))}
      </div>
      {(prediction.warnings ?? []).map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      {urls.length > 0 && <Facts prediction={prediction} />}
    </div>
  );
}

const STAGES: readonly (readonly [metric: string, name: string])[] = [
  ['queue_ms', 'queue'],
  ['load_ms', 'load'],
  ['text_ms', 'text'],
  ['unet_ms', 'UNet'],
  ['decode_ms', 'decode'],
  ['encode_ms', 'encode'],
  ['upload_ms', 'upload'],
];

/** Where the time went, what it cost, and the receipt that makes the picture again. */
function Facts({ prediction }: { readonly prediction: Prediction }) {
  const parts = STAGES.map(([metric, name]) => ({
    name,
    ms: prediction.metrics?.[metric] ?? 0,
  })).filter(({ ms }) => ms >= 0.5);
  const total = parts.reduce((sum, { ms }) => sum + ms, 0);
  const receipt = JSON.stringify(prediction.receipt ?? {}, null, 2);
  return (
    <div class="facts">
      <div
        class="bar"
        role="img"
        aria-label={parts.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ')}
      >
        {parts.map(({ name, ms }) => (
          <span
            key={name}
            class={`part ${name}`}
            style={{ flexGrow: ms / total }}
            title={`${name} ${duration(ms)}`}
          />
        ))}
      </div>
      <dl>
        {parts.map(({ name, ms }) => (
          <div key={name}>
            <dt class={`key ${name}`}>{name}</dt>
            <dd>{duration(ms)}</dd>
          </div>
        ))}
        <div>
          <dt>cost</dt>
          <dd>{usd(prediction.cost ?? 0)}</dd>
        </div>
        <div>
          <dt>seed</dt>
          <dd>
            {prediction.seed ?? '–'} <CopyButton text={String(prediction.seed ?? '')} />
          </dd>
        </div>
      </dl>
      <details>
        <summary>Receipt</summary>
        <CopyButton text={receipt} label="Copy receipt" />
        <pre tabIndex={0}>{receipt}</pre>
      </details>
    </div>
  );
}
