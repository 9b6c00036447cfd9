import { EXAMPLES, OPENING_SEED, SAMPLES } from '#functions/api/browser/live/samples.ts';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

/** What the form orders, as the API's `input` takes it. */
export interface Order {
  readonly model: string;
  readonly prompt: string;
  readonly aspectRatio: string;
  /** Null: the server draws one. */
  readonly seed: number | null;
  readonly count: number;
  readonly format: string;
}

export const MAX_SEED = 2 ** 32 - 1;

/** What the page opens with: where it draws by itself, at a seed that composes well. */
export function firstOrder(model: PageModel | undefined): Order {
  return {
    model: model?.name ?? '',
    prompt: model?.samples === undefined ? (EXAMPLES[0] ?? '') : SAMPLES[0],
    aspectRatio: model?.aspects[0]?.ratio ?? '1:1',
    seed: model?.samples === undefined ? null : OPENING_SEED,
    count: 1,
    format: model?.formats[0] ?? 'png',
  };
}

/** The order with what the model can't do replaced by what it can. */
export function fitTo(model: PageModel | undefined, order: Order): Order {
  if (model === undefined) return order;
  const { aspects, formats, maxOutputs } = model;
  const fits = aspects.some(({ ratio }) => ratio === order.aspectRatio);
  return {
    ...order,
    aspectRatio: fits ? order.aspectRatio : (aspects[0]?.ratio ?? order.aspectRatio),
    format: formats.includes(order.format) ? order.format : (formats[0] ?? order.format),
    count: Math.min(order.count, maxOutputs),
  };
}

/** What a prediction was made from, as far as the form has it. */
export function orderOf(prediction: Prediction, model: PageModel | undefined): Partial<Order> {
  const { prompt, num_outputs: count, output_format: format } = prediction.input ?? {};
  const { seed } = prediction;
  const [image] = prediction.receipt?.images ?? [];
  const aspect = model?.aspects.find(
    ({ width, height }) => width === image?.width && height === image.height,
  );
  return {
    ...(model === undefined ? {} : { model: model.name }),
    ...(typeof prompt === 'string' ? { prompt } : {}),
    ...(typeof count === 'number' ? { count } : {}),
    ...(typeof format === 'string' ? { format } : {}),
    ...(aspect === undefined ? {} : { aspectRatio: aspect.ratio }),
    ...(seed === null ? {} : { seed }),
  };
}

export function inputOf(order: Order): Record<string, unknown> {
  return {
    prompt: order.prompt,
    aspect_ratio: order.aspectRatio,
    ...(order.seed === null ? {} : { seed: order.seed }),
    num_outputs: order.count,
    output_format: order.format,
  };
}

export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
