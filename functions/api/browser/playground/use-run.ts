import { useEffect, useRef, useState } from 'hono/jsx/dom';
import { BASE, call } from '#functions/api/browser/api.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { addressedPrediction, setAddress } from './address.ts';
import { follow, isOver } from './follow.ts';
import { inputOf, type Order } from './order.ts';

export interface WaitingRun {
  readonly state: 'waiting';
  readonly prediction: Prediction | undefined;
  readonly since: number;
  readonly canceling: boolean;
  /** The server can't be reached just now; the prediction keeps running there. */
  readonly disconnected: boolean;
}

export type Run =
  | { readonly state: 'idle' }
  | WaitingRun
  /** `fresh`: this page waited for it, rather than looked it up; `live`: it follows the form. */
  | {
      readonly state: 'done';
      readonly prediction: Prediction;
      readonly fresh: boolean;
      readonly live?: boolean;
    }
  | {
      readonly state: 'failed';
      readonly problem: unknown;
      readonly retry: (() => void) | undefined;
    };

interface Current {
  readonly control: AbortController;
  id?: string;
  cancelWanted: boolean;
}

interface RunListener {
  /** There is one more, or one has ended. */
  changed(): void;
  /** The prediction that the address names was found. */
  found(prediction: Prediction): void;
}

/** One prediction at a time: orders it or finds it again, follows it, and ends with its last state. */
export function useRun(listener: RunListener) {
  const [run, setRun] = useState<Run>({ state: 'idle' });
  const current = useRef<Current | null>(null);

  /** Stops following the prediction before; it keeps running. */
  const begin = (): Current => {
    current.current?.control.abort();
    const started = { control: new AbortController(), cancelWanted: false };
    current.current = started;
    return started;
  };

  const change = (mine: Current, part: Partial<WaitingRun>) => {
    if (mine.control.signal.aborted) return;
    setRun((before) => (before.state === 'waiting' ? { ...before, ...part } : before));
  };

  const sendCancel = async (mine: Current) => {
    change(mine, { canceling: true });
    // The id is not known yet: cancelled as soon as it is.
    if (mine.id === undefined) return;
    try {
      await call('POST', `/v1/predictions/${mine.id}/cancel`);
    } catch {
      change(mine, { canceling: false });
    }
  };

  const start = async (order: () => Promise<Prediction>, isNew: boolean) => {
    const mine = begin();
    const { signal } = mine.control;
    setRun({ ...WAITING, since: Date.now() });
    try {
      const created = await order();
      if (signal.aborted) return;
      mine.id = created.id;
      if (isNew) {
        setAddress(created.id);
        listener.changed();
      } else listener.found(created);
      if (!isOver(created)) {
        const since = isNew ? {} : { since: Date.parse(created.created_at) };
        change(mine, { prediction: created, ...since });
      }
      if (mine.cancelWanted) void sendCancel(mine);
      const watcher = {
        update: (prediction: Prediction) => change(mine, { prediction }),
        disconnected: (disconnected: boolean) => change(mine, { disconnected }),
      };
      const prediction = await follow(created, watcher, signal);
      if (signal.aborted) return;
      setRun({ state: 'done', prediction, fresh: !isOver(created) });
      if (!isOver(created)) listener.changed();
    } catch (problem) {
      if (signal.aborted) return;
      setRun({ state: 'failed', problem, retry: () => void start(order, isNew) });
    }
  };

  const resume = (id: string) =>
    start(() => call<Prediction>('GET', `/v1/predictions/${encodeURIComponent(id)}`), false);

  const toAddress = () => {
    const id = addressedPrediction();
    if (id !== undefined) return void resume(id);
    begin();
    setRun({ state: 'idle' });
  };
  useEffect(() => {
    if (addressedPrediction() !== undefined) toAddress();
    addEventListener('popstate', toAddress);
    return () => removeEventListener('popstate', toAddress);
  }, []);

  return {
    run,
    submit: (order: Order) => start(once('/v1/predictions', orderBody(order)), true),
    replay: (id: string) => start(once(`/v1/predictions/${id}/replay`, {}), true),
    /** Puts a live picture on the stage; the address no longer names another. */
    showLive: (prediction: Prediction) => {
      begin();
      if (addressedPrediction() !== undefined) history.replaceState(null, '', `${BASE}/`);
      setRun({ state: 'done', prediction, fresh: false, live: true });
    },
    fail: (problem: unknown, retry: () => void) => {
      begin();
      setRun({ state: 'failed', problem, retry });
    },
    show: (prediction: Prediction) => {
      begin();
      setAddress(prediction.id);
      setRun({ state: 'done', prediction, fresh: false });
    },
    cancel: () => {
      const mine = current.current;
      if (mine === null || run.state !== 'waiting') return;
      mine.cancelWanted = true;
      void sendCancel(mine);
    },
    /** Takes a prediction off the stage, if it is there. */
    forget: (id: string) => {
      if (run.state !== 'done' || run.prediction.id !== id) return;
      history.replaceState(null, '', `${BASE}/`);
      setRun({ state: 'idle' });
    },
  };
}

const WAITING = {
  state: 'waiting',
  prediction: undefined,
  canceling: false,
  disconnected: false,
} as const;

function orderBody(order: Order) {
  return { version: order.model, input: inputOf(order), stream: true };
}

/** A create under an idempotency key of its own: a retry after a lost answer creates nothing more. */
function once(path: string, body: unknown): () => Promise<Prediction> {
  const headers = { 'idempotency-key': randomKey() };
  return () => call<Prediction>('POST', path, body, headers);
}

/** `crypto.randomUUID` is missing where a page comes over plain http from another machine. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join(
    '',
  );
}
