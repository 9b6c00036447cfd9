import { useEffect, useState } from 'hono/jsx/dom';
import { usd } from '#functions/api/browser/format.ts';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { CodePanel } from './code-panel.tsx';
import { Composer } from './composer.tsx';
import { Facts } from './facts.tsx';
import { Gallery } from './gallery.tsx';
import { firstOrder, fitTo, type Order, orderOf } from './order.ts';
import { priceOf } from './price-of.ts';
import { Stage } from './stage.tsx';
import { useRun } from './use-run.ts';
import { knowsNothing } from './word-hint.tsx';

/** The first page: a prompt becomes a picture. */
export function Playground({ models }: { readonly models: readonly PageModel[] }) {
  const [changes, setChanges] = useState(0);
  const [order, setOrder] = useState<Order>(firstOrder(models[0]));
  // The prompt that was submitted although the model knows none of its words: again, and it is made.
  const [asked, setAsked] = useState('');
  const modelOf = (name: string) => models.find((model) => model.name === name);
  const { run, submit, replay, show, cancel, forget } = useRun(() => {
    setChanges((count) => count + 1);
    document.dispatchEvent(new Event('balance-changed'));
  });
  useEscape(cancel);
  useEffect(() => {
    document.title = run.state === 'waiting' ? 'Painting … · Onestep' : 'Onestep';
  }, [run.state]);
  const model = modelOf(order.model);
  const price = model && priceOf(model, order.aspectRatio, order.count);
  const { width, height } = sizeOf(model, order);
  const shown = run.state === 'done' ? run.prediction : undefined;
  const change = (part: Partial<Order>) => {
    const next = { ...order, ...part };
    setOrder(fitTo(modelOf(next.model), next));
  };
  const go = () => {
    if (run.state === 'waiting' || order.prompt.trim() === '') return;
    if (asked !== order.prompt && knowsNothing(order.prompt, model?.words)) {
      setAsked(order.prompt);
      return;
    }
    void submit(order);
    toStage();
  };
  return (
    <div class="playground">
      <h1 class="sr">Playground</h1>
      <div class="bench">
        <div class="form">
          <Composer
            models={models}
            order={order}
            lastSeed={shown?.seed ?? undefined}
            busy={run.state === 'waiting'}
            asked={asked === order.prompt}
            price={price === undefined ? '' : usd(price)}
            change={change}
            submit={go}
          />
          <CodePanel order={order} size={`${width}x${height}`} />
        </div>
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
              change(orderOf(shown, modelOf(shown.model)));
              document.getElementById('prompt')?.focus();
            }}
          />
        )}
      </div>
      <Gallery
        version={changes}
        show={(prediction) => {
          show(prediction);
          toStage();
        }}
        replay={(id) => {
          void replay(id);
          toStage();
        }}
        removed={forget}
      />
    </div>
  );
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
