import { useState } from 'hono/jsx/dom';
import { usd } from '#functions/api/browser/format.ts';
import { CodePanel } from './code-panel.tsx';
import { Composer } from './composer.tsx';
import { Gallery } from './gallery.tsx';
import { type Model, priceOf } from './model.ts';
import type { Order } from './order.ts';
import { Stage } from './stage.tsx';
import { useRun } from './use-run.ts';

/** The first page: a prompt becomes a picture. */
export function Playground({ models }: { readonly models: readonly Model[] }) {
  const [made, setMade] = useState(0);
  const [order, setOrder] = useState<Order>({
    model: models[0]?.name ?? '',
    prompt: 'A photo of a dog.',
    aspectRatio: '1:1',
    seed: null,
    count: 1,
    format: 'png',
  });
  const { run, submit, replay, show, cancel } = useRun(() => {
    setMade((count) => count + 1);
    document.dispatchEvent(new Event('balance-changed'));
  });
  const model = models.find(({ name }) => name === order.model);
  const price = model && priceOf(model, order.aspectRatio, order.count);
  const go = () => {
    if (run.state === 'waiting' || order.prompt.trim() === '') return;
    void submit(order);
  };
  return (
    <div class="playground">
      <div class="bench">
        <div>
          <Composer
            models={models}
            order={order}
            lastSeed={run.state === 'done' ? run.prediction.seed : undefined}
            busy={run.state === 'waiting'}
            price={price === undefined ? '' : usd(price)}
            change={(change) => setOrder({ ...order, ...change })}
            submit={go}
            cancel={() => void cancel()}
          />
          <CodePanel order={order} />
        </div>
        <Stage run={run} retry={go} />
      </div>
      <Gallery version={made} show={show} replay={(id) => void replay(id)} />
    </div>
  );
}
