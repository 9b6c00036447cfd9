import { call, failureOf, Problem } from '#functions/api/browser/api.ts';
import { follow, isOver } from '#functions/api/browser/playground/follow.ts';
import { inputOf, type Order } from '#functions/api/browser/playground/order.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

const UNWATCHED = { update: () => undefined, disconnected: () => undefined };

/** Orders one picture as a preview, and waits until the browser could show it at once. */
export async function makePreview(order: Order): Promise<Prediction> {
  const input = inputOf({ ...order, count: 1 });
  const body = { version: order.model, input, preview: true };
  const created = await call<Prediction>('POST', '/v1/predictions', body, { prefer: 'wait=30' });
  const prediction = isOver(created)
    ? created
    : await follow(created, UNWATCHED, new AbortController().signal);
  const [url] = prediction.output ?? [];
  if (prediction.status === 'failed' || url === undefined) throw failureOf(prediction);
  await decode(url);
  return prediction;
}

/** Until then the picture before stays: nothing flashes. One that can't be decoded is shown as such. */
export async function decode(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  await image.decode().catch(() => undefined);
}

const BUSY = new Set([429, 503]);

/** How long the server asks to wait before the same is tried again; undefined where that would not help. */
export function retryAfterMs(problem: unknown): number | undefined {
  if (!(problem instanceof Problem) || !BUSY.has(problem.status)) return undefined;
  return (problem.retryAfterSeconds ?? 1) * 1000;
}
