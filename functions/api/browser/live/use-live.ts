import { useEffect, useRef, useState } from 'hono/jsx/dom';
import { inputOf, type Order } from '#functions/api/browser/playground/order.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { makePreview, retryAfterMs } from './make-preview.ts';
import { createLiveRunner, type LiveRunner } from './runner.ts';

/** A pause in typing that is worth a picture, and the longest that typing goes on without one. */
const PAUSE_MS = 90;
const MOST_MS = 250;

export interface LiveFigures {
  readonly pictures: number;
  /** Micro-USD, of this visit. */
  readonly spent: number;
  /** From the last change of the form to its picture. */
  readonly lastMs: number | undefined;
}

interface LiveOptions {
  readonly order: Order;
  readonly isOn: boolean;
  /** Nothing in it can be drawn. */
  readonly isEmpty: boolean;
  show(prediction: Prediction, isLast: boolean): void;
  failed(problem: unknown, retry: () => void): void;
}

interface Wanted {
  readonly order: Order;
  /** When the form said so. */
  readonly at: number;
}

/** Keeps the picture beside the form: whenever the form changes, it is drawn again. */
export function useLive(options: LiveOptions) {
  const { order, isOn, isEmpty } = options;
  const latest = useRef(options);
  latest.current = options;
  const [figures, setFigures] = useState<LiveFigures>(NONE);
  /** What was last ordered, or is on show anyway. */
  const drawn = useRef('');
  const unsentSince = useRef<number | undefined>(undefined);
  const runner = useRef<LiveRunner<Wanted> | undefined>(undefined);
  runner.current ??= createLiveRunner<Wanted, Prediction>({
    make: (wanted) => makePreview(wanted.order),
    show(prediction, { at }, isLast) {
      const lastMs = performance.now() - at;
      performance.measure('live-picture', { start: at });
      setFigures(({ pictures, spent }) => ({
        pictures: pictures + 1,
        spent: spent + (prediction.cost ?? 0),
        lastMs,
      }));
      latest.current?.show(prediction, isLast);
    },
    isStale: (wanted) =>
      latest.current === null || layoutOf(wanted.order) !== layoutOf(latest.current.order),
    failed: (problem, wanted) =>
      latest.current?.failed(problem, () =>
        runner.current?.want({ ...wanted, at: performance.now() }),
      ),
    retryAfterMs,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  const text = textOf(order);

  useEffect(() => {
    if (!isOn || isEmpty) {
      runner.current?.stop();
      return undefined;
    }
    if (text === drawn.current) return undefined;
    const at = performance.now();
    unsentSince.current ??= at;
    const isFirst = drawn.current === '';
    const delay = Math.max(0, Math.min(PAUSE_MS, unsentSince.current + MOST_MS - at));
    const send = () => {
      unsentSince.current = undefined;
      drawn.current = text;
      runner.current?.want({ order, at });
    };
    const timer = setTimeout(send, isFirst ? 0 : delay);
    return () => clearTimeout(timer);
  }, [isOn, isEmpty, text]);

  return {
    figures,
    /** The picture on show is this order's, or none that a running one may replace. */
    rest(shown: Order = order): void {
      runner.current?.stop();
      drawn.current = textOf(shown);
    },
    /** Draws the form at the next change of it, or at once where it is on. */
    forget(): void {
      drawn.current = '';
    },
  };
}

const NONE: LiveFigures = { pictures: 0, spent: 0, lastMs: undefined };

/** Of how many is the only thing that a live picture does not follow. */
function textOf(order: Order): string {
  return JSON.stringify([order.model, inputOf({ ...order, count: 1 })]);
}

/** What a picture of an older prompt still fits beside. */
function layoutOf({ model, aspectRatio, seed, format }: Order): string {
  return JSON.stringify([model, aspectRatio, seed, format]);
}
