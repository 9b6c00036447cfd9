/** A model as the form needs it. The server puts the list into the page. */
export interface Model {
  readonly name: string;
  readonly description: string;
  /** What the model goes under, with a link to its text where one is known. */
  readonly licence: { readonly name: string; readonly url?: string } | null;
  readonly formats: readonly string[];
  /** Most pictures of one order. */
  readonly maxOutputs: number;
  /** The model's own shape first. */
  readonly aspects: readonly {
    readonly ratio: string;
    readonly width: number;
    readonly height: number;
  }[];
  /** Price classes, smallest first: micro-USD an image of at most so many pixels. */
  readonly prices: readonly { readonly maxPixels: number; readonly perImage: number }[];
}

/** What the order costs, in micro-USD; undefined when the model has no price for the size. */
export function priceOf(model: Model, aspectRatio: string, count: number): number | undefined {
  const size = model.aspects.find(({ ratio }) => ratio === aspectRatio);
  if (size === undefined) return undefined;
  const price = model.prices.find(({ maxPixels }) => size.width * size.height <= maxPixels);
  return price === undefined ? undefined : price.perImage * count;
}
