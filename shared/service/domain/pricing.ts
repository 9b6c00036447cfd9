import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';
import { type MicroUsd, microUsd, multiplyUsd } from '#shared/core/money.ts';

const SizeClassSchema = z.strictObject({
  /** What a price list calls it: `standard`, `large`. */
  name: z.string().min(1),
  /** Images of at most this many pixels fall into the class. */
  maxPixels: z.number().int().positive(),
  /** Micro-USD for one image. */
  perImage: z.number().int().min(0),
});

/** What each model's images cost, smallest class first. A change of any price is a new version. */
export const PriceBookSchema = z.strictObject({
  version: z.string().min(1).max(64),
  models: z.record(
    z.string(),
    z
      .array(SizeClassSchema)
      .min(1)
      .refine(
        (classes) =>
          classes.every((c, i) => i === 0 || c.maxPixels > (classes[i - 1]?.maxPixels ?? 0)),
        'size classes must grow from one to the next',
      ),
  ),
});
export type PriceBook = z.infer<typeof PriceBookSchema>;

export interface Quote {
  readonly perImage: MicroUsd;
  readonly total: MicroUsd;
  readonly version: string;
  readonly sizeClass: string;
}

export interface Pricing {
  readonly version: string;
  /**
   * The price of `count` images.
   *
   * @throws AppError `invalid-input` when the size is above the model's largest class
   */
  quote(model: string, width: number, height: number, count: number): Quote;
  /** The model's classes, smallest first; empty when it has no price. */
  classes(model: string): PriceBook['models'][string];
}

/** Prices as of one book. Jobs carry the version, so that the quote at admission stays the price. */
export function createPricing(book: PriceBook): Pricing {
  const classes = (model: string) => book.models[model] ?? [];
  return {
    version: book.version,
    classes,
    quote(model, width, height, count) {
      const found = classes(model).find(({ maxPixels }) => width * height <= maxPixels);
      if (found === undefined) {
        throw new AppError('invalid-input', `${model} has no price for ${width}x${height} images`, {
          details: { param: 'input.width' },
        });
      }
      const perImage = microUsd(found.perImage);
      return {
        perImage,
        total: multiplyUsd(perImage, count),
        version: book.version,
        sizeClass: found.name,
      };
    },
  };
}
