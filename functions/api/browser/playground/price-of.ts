import type { PageModel } from '#functions/api/pages/page-schema.ts';

/** What the order costs, in micro-USD; undefined when the model has no price for the size. */
export function priceOf(model: PageModel, aspectRatio: string, count: number): number | undefined {
  const size = model.aspects.find(({ ratio }) => ratio === aspectRatio);
  if (size === undefined) return undefined;
  const price = model.prices.find(({ maxPixels }) => size.width * size.height <= maxPixels);
  return price === undefined ? undefined : price.perImage * count;
}
