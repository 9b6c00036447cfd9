import { useEffect, useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { rememberedForm, rememberForm } from '#functions/api/browser/live/remembered.ts';
import { useLive } from '#functions/api/browser/live/use-live.ts';
import { useLiveSwitch } from '#functions/api/browser/live/use-live-switch.ts';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { addressedPrediction } from './address.ts';
import { CodePanel } from './code-panel.tsx';
import { Composer } from './composer.tsx';
import { Facts } from './facts.tsx';
import { Gallery } from './gallery.tsx';
import { firstOrder, fitTo, type Order, orderOf, randomSeed } from './order.ts';
import { priceOf } from './price-of.ts';
import { PromptForm } from './prompt-form.tsx';
import { Stage } from './stage.tsx';
import { useRun } from './use-run.ts';
import { knowsNothing } from './word-hint.tsx';

/** The first page: a prompt becomes a picture, while it is typed where that is cheap. */
export function Playground({ models }: { readonly models: readonly PageModel[] }) {
  const modelOf = (name: string) => models.find((model) => model.name === name);
  const [changes, setChanges] = useState(0);
  const [left] = useState(addressedPrediction() === undefined ? rememberedForm() : undefined);
  const [order, setOrder] = useState<Order>(
    left === undefined || modelOf(left.order.model) === undefined
      ? firstOrder(models[0])
      : fitTo(modelOf(left.order.model), left.order),
  );
  // The prompt that was submitted although the model knows none of its words: again, and it is made.
  const [asked, setAsked] = useState('');
  const [isTouched, setTouched] = useState(false);
  const [isRestoring, setRestoring] = useState(
    addressedPrediction() !== undefined || left?.preview !== undefined,
  );
  const model = modelOf(order.model);
  const isUnknown = knowsNothing(order.prompt, model?.words);

  const { run, submit, replay, show, showLive, fail, cancel, forget } = useRun({
    changed() {
      setChanges((count) => count + 1);
      document.dispatchEvent(new Event('balance-changed'));
    },
    found: (prediction) => restore(prediction),
  });
  const [isLive, setLive] = useLiveSwitch(model);
  const canDraw = isLive && order.seed !== null && run.state !== 'waiting';
  const live = useLive({
    order,
    isOn: canDraw && !isRestoring,
    isEmpty: order.prompt.trim() === '' || isUnknown,
    show(prediction, isLast) {
      showLive(prediction);
      if (!isLast) return;
      rememberForm({ order, preview: prediction.id });
      document.dispatchEvent(new Event('balance-changed'));
    },
    failed(problem, retry) {
      // Nobody has asked for the picture that the page opens with.
      if (isTouched) fail(problem, retry);
    },
  });

  /** The form says what made the picture on show. */
  const adopt = (prediction: Prediction) => {
    const next = { ...order, ...orderOf(prediction, modelOf(prediction.model)) };
    live.rest(next);
    setOrder(fitTo(modelOf(next.model), next));
  };
  const restore = (prediction: Prediction) => {
    if (prediction.input !== null) adopt(prediction);
    setRestoring(false);
  };
  useEffect(() => rememberForm({ order }), [order]);
  useEffect(() => {
    if (left?.preview === undefined) return;
    const path = `/v1/predictions/${encodeURIComponent(left.preview)}`;
    call<Prediction>('GET', path)
      .then((prediction) => {
        if (prediction.output === null || !isOf(prediction, order)) return;
        live.rest(order);
        showLive(prediction);
        rememberForm({ order, preview: prediction.id });
      })
      .catch(() => undefined)
      .finally(() => setRestoring(false));
  }, []);
  useEscape(cancel);
  useEffect(() => {
    document.title = run.state === 'waiting' ? 'Drawing… · Onestep' : 'Onestep';
  }, [run.state]);

  const { width, height } = sizeOf(model, order);
  const shown = run.state === 'done' ? run.prediction : undefined;
  const priceText = (count: number) => {
    const price = model && priceOf(model, order.aspectRatio, count);
    return price === undefined ? '' : usd(price);
  };
  const change = (part: Partial<Order>) => {
    setRestoring(false);
    setTouched(true);
    // A picture can only follow the form from one seed.
    if (part.seed === null && isLive) setLive(false);
    const next = { ...order, ...part };
    setOrder(fitTo(modelOf(next.model), next));
  };
  const go = () => {
    if (run.state === 'waiting' || order.prompt.trim() === '') return;
    if (asked !== order.prompt && isUnknown) {
      setAsked(order.prompt);
      return;
    }
    live.rest();
    void submit(order);
    toStage();
  };
  return (
    <div class="playground">
      <h1 class="sr">Playground</h1>
      <div class="bench">
        <div class="form">
          <PromptForm
            order={order}
            model={model}
            busy={run.state === 'waiting'}
            asked={asked === order.prompt}
            price={priceText(order.count)}
            livePrice={priceText(1)}
            isLive={isLive}
            figures={live.figures}
            change={change}
            setLive={(isOn) => {
              if (isOn) {
                change({ seed: order.seed ?? shown?.seed ?? randomSeed() });
                live.forget();
              }
              setLive(isOn);
            }}
            submit={go}
          />
          <Composer
            models={models}
            model={model}
            order={order}
            lastSeed={shown?.seed ?? undefined}
            change={change}
          />
          <CodePanel order={order} size={`${width}x${height}`} />
        </div>
        <div class="result">
          <Stage
            run={run}
            layout={{ count: order.count, width, height }}
            submit={go}
            cancel={cancel}
            keepSeed={(seed) => change({ seed })}
          />
          {shown?.output && (
            <Facts
              prediction={shown}
              reuse={() => {
                adopt(shown);
                document.getElementById('prompt')?.focus();
              }}
            />
          )}
        </div>
      </div>
      <Gallery
        version={changes}
        show={(prediction) => {
          live.rest();
          show(prediction);
          toStage();
        }}
        replay={(id) => {
          live.rest();
          void replay(id);
          toStage();
        }}
        removed={forget}
      />
    </div>
  );
}

/** Whether the form still says what the picture was made from. */
function isOf(prediction: Prediction, order: Order): boolean {
  return prediction.input?.['prompt'] === order.prompt && prediction.seed === order.seed;
}

function sizeOf(model: PageModel | undefined, { aspectRatio }: Order) {
  return model?.aspects.find(({ ratio }) => ratio === aspectRatio) ?? { width: 1, height: 1 };
}

function toStage(): void {
  document.querySelector('.stage')?.scrollIntoView({ block: 'nearest' });
}

/** Escape cancels, unless it closes a dialog. */
function useEscape(cancel: () => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) cancel();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  });
}
