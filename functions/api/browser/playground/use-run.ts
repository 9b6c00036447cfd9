import { useRef, useState } from 'hono/jsx/dom';
import { call, type Prediction } from '#functions/api/browser/api.ts';
import { inputOf, type Order } from './order.ts';

export type Run =
  | { readonly state: 'idle' }
  | {
      readonly state: 'waiting';
      readonly prediction: Prediction | undefined;
      readonly since: number;
    }
  | { readonly state: 'done'; readonly prediction: Prediction; readonly tookMs: number }
  | { readonly state: 'failed'; readonly problem: unknown };

const POLL_MS = 500;

/** One order at a time: creates the prediction, follows its stream, and ends with its last state. */
export function useRun(onDone: () => void) {
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const current = useRef<AbortController | null>(null);

  const start = async (order: () => Promise<Prediction>) => {
    current.current?.abort();
    const control = new AbortController();
    current.current = control;
    const since = Date.now();
    setRun({ state: 'waiting', prediction: undefined, since });
    try {
      const created = await order();
      const update = (prediction: Prediction) => {
        if (!control.signal.aborted) setRun({ state: 'waiting', prediction, since });
      };
      update(created);
      const prediction = await follow(created, update, control.signal);
      if (control.signal.aborted) return;
      setRun({ state: 'done', prediction, tookMs: Date.now() - since });
      onDone();
    } catch (problem) {
      if (!control.signal.aborted) setRun({ state: 'failed', problem });
    }
  };

  return {
    run,
    submit: (order: Order) =>
      start(() =>
        call<Prediction>('POST', '/v1/predictions', {
          version: order.model,
          input: inputOf(order),
          stream: true,
        }),
      ),
    replay: (id: string) =>
      start(() => call<Prediction>('POST', `/v1/predictions/${id}/replay`, {})),
    show: (prediction: Prediction) => setRun({ state: 'done', prediction, tookMs: 0 }),
    cancel: async () => {
      if (run.state !== 'waiting' || run.prediction === undefined) return;
      await call('POST', `/v1/predictions/${run.prediction.id}/cancel`);
    },
  };
}

/** Waits for the end, showing each change: by the event stream, or by asking where there is none. */
async function follow(
  created: Prediction,
  update: (prediction: Prediction) => void,
  signal: AbortSignal,
): Promise<Prediction> {
  let latest = created;
  const stream =
    created.urls.stream === undefined ? undefined : new EventSource(created.urls.stream);
  let wake: () => void = () => undefined;
  const listen = () => wake();
  for (const event of ['phase', 'logs', 'output', 'done']) stream?.addEventListener(event, listen);
  try {
    while (!isOver(latest) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      latest = await call<Prediction>('GET', `/v1/predictions/${created.id}`);
      if (!isOver(latest)) update(latest);
    }
    return latest;
  } finally {
    stream?.close();
  }
}

export function isOver(prediction: Prediction): boolean {
  return ['succeeded', 'failed', 'canceled'].includes(prediction.status);
}
