import type { Child } from 'hono/jsx';
import { failureOf } from '#functions/api/browser/api.ts';
import { counted, usd } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { EmptyFrames, type Layout, Pictures } from './pictures.tsx';
import type { Run } from './use-run.ts';
import { Waiting, waitingText } from './waiting.tsx';

interface StageProps {
  readonly run: Run;
  /** What the form would order now. */
  readonly layout: Layout;
  /** Orders what the form says. */
  submit(): void;
  cancel(): void;
  keepSeed(seed: number): void;
}

/** Where the picture appears: what is being waited for, the result, or what went wrong. */
export function Stage({ run, layout, submit, cancel, keepSeed }: StageProps) {
  return (
    <section class="stage" aria-label="Picture" aria-busy={String(run.state === 'waiting')}>
      <p class="sr" role="status">
        {announcement(run)}
      </p>
      {run.state === 'idle' && (
        <Curtain layout={layout}>
          <p>Your picture will appear here.</p>
        </Curtain>
      )}
      {run.state === 'waiting' && (
        <Curtain layout={layoutOf(run.prediction) ?? layout} moving>
          <Waiting run={run} />
          <button
            type="button"
            disabled={run.canceling}
            onClick={() => {
              cancel();
              // This button disappears, and the focus must not be lost with it.
              document.getElementById('prompt')?.focus({ preventScroll: true });
            }}
          >
            Cancel <kbd>Esc</kbd>
          </button>
        </Curtain>
      )}
      {run.state === 'failed' && (
        <Curtain layout={layout}>
          <Notice problem={run.problem} retry={run.retry} />
        </Curtain>
      )}
      {run.state === 'done' && (
        <Result
          prediction={run.prediction}
          fresh={run.fresh}
          isLive={run.live === true}
          layout={layout}
          submit={submit}
          keepSeed={keepSeed}
        />
      )}
    </section>
  );
}

interface CurtainProps {
  readonly layout: Layout;
  readonly moving?: boolean;
  readonly children?: Child;
}

/** Noise in the place of the pictures, and over it what there is to say. */
function Curtain({ layout, moving = false, children }: CurtainProps) {
  return (
    <div class="curtain">
      <EmptyFrames layout={layout} moving={moving} />
      <div class="over">{children}</div>
    </div>
  );
}

/** What was ordered by size: a replay, or what another program ordered. */
function layoutOf(prediction: Prediction | undefined): Layout | undefined {
  const { width, height, num_outputs: count } = prediction?.input ?? {};
  if (typeof width !== 'number' || typeof height !== 'number') return undefined;
  return { width, height, count: typeof count === 'number' ? count : 1 };
}

interface ResultProps extends Pick<StageProps, 'layout' | 'submit' | 'keepSeed'> {
  readonly prediction: Prediction;
  readonly fresh: boolean;
  readonly isLive: boolean;
}

function Result({ prediction, fresh, isLive, layout, submit, keepSeed }: ResultProps) {
  const made = (prediction.output ?? []).length > 0;
  const { status } = prediction;
  return (
    <div>
      {!made && (
        <Curtain layout={layout}>
          {status === 'failed' && <Notice problem={failureOf(prediction)} retry={submit} />}
          <p>{endText(prediction)}</p>
        </Curtain>
      )}
      {made && status === 'canceled' && <p class="hint">{endText(prediction)}</p>}
      {made && (
        <Pictures prediction={prediction} fresh={fresh} isLive={isLive} keepSeed={keepSeed} />
      )}
      {(isLive ? [] : prediction.warnings).map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
    </div>
  );
}

function endText({ status, cost, data_removed: isRemoved }: Prediction): string {
  if (isRemoved) return 'These pictures have been deleted.';
  if (status === 'succeeded') return 'These pictures are no longer available.';
  const charged = cost ? `${usd(cost)} for what was made.` : 'Nothing was charged.';
  return status === 'canceled' ? `Cancelled. ${charged}` : charged;
}

/** What a screen reader announces; problems are alerts of their own. */
function announcement(run: Run): string {
  if (run.state === 'waiting') return waitingText(run);
  if (run.state !== 'done' || !run.fresh) return '';
  const { prediction } = run;
  if (prediction.status !== 'succeeded') return endText(prediction);
  const warnings = prediction.warnings.join(' ');
  return `${counted(prediction.output?.length ?? 0, 'picture')} ready. ${warnings}`;
}
