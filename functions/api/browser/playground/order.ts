/** What the form orders, as the API's `input` takes it. */
export interface Order {
  readonly model: string;
  readonly prompt: string;
  readonly aspectRatio: string;
  /** Null: the server draws one. */
  readonly seed: number | null;
  readonly count: number;
  readonly format: 'png' | 'jpeg' | 'webp';
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
