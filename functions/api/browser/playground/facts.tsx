import { duration, usd } from '#functions/api/browser/format.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

const STAGES: readonly (readonly [metric: string, name: string])[] = [
  ['queue_ms', 'queue'],
  ['load_ms', 'load'],
  ['text_ms', 'text'],
  ['unet_ms', 'UNet'],
  ['decode_ms', 'decode'],
  ['encode_ms', 'encode'],
  ['upload_ms', 'upload'],
];

interface FactsProps {
  readonly prediction: Prediction;
  /** Puts what made it into the form. */
  reuse(): void;
}

/** Where the time went, what it cost, and the receipt that makes the picture again. */
export function Facts({ prediction, reuse }: FactsProps) {
  const totalMs = (prediction.metrics['total_time'] ?? 0) * 1000;
  const parts = partsOf(prediction, totalMs);
  const receipt = JSON.stringify(prediction.receipt ?? {}, null, 2);
  return (
    <section class="made facts" aria-label="About this picture">
      <div class="row">
        <p class="prompt">{String(prediction.input?.['prompt'] ?? '')}</p>
        <button type="button" class="chip" onClick={reuse}>
          Reuse settings
        </button>
      </div>
      <div
        class="bar"
        role="img"
        aria-label={parts.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ')}
      >
        {parts.map(({ name, ms }) => (
          <span
            key={name}
            class={`part ${name}`}
            style={{ flexGrow: String(ms / Math.max(1, totalMs)) }}
            title={`${name} ${duration(ms)}`}
          />
        ))}
      </div>
      <dl class="stages">
        {parts.map(({ name, ms }) => (
          <div key={name}>
            <dt class={`key ${name}`}>{name}</dt>
            <dd>{duration(ms)}</dd>
          </div>
        ))}
      </dl>
      <dl>
        <div>
          <dt>took</dt>
          <dd>{duration(totalMs)}</dd>
        </div>
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
        <div>
          <dt>model</dt>
          <dd>{prediction.model}</dd>
        </div>
      </dl>
      <details>
        <summary>Receipt</summary>
        <CopyButton text={receipt} label="Copy receipt" />
        <pre tabIndex={0}>{receipt}</pre>
      </details>
    </section>
  );
}

/** The stages, and the rest of the time. */
function partsOf(prediction: Prediction, totalMs: number) {
  const stages = STAGES.map(([metric, name]) => ({
    name,
    ms: prediction.metrics[metric] ?? 0,
  }));
  const told = stages.reduce((sum, { ms }) => sum + ms, 0);
  return [...stages, { name: 'other', ms: totalMs - told }].filter(({ ms }) => ms >= 0.5);
}
