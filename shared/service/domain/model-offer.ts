import { defined } from '#shared/core/defined.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import { FORMER_RECIPE, type Recipe } from '#shared/core/recipe.ts';
import type { CatalogModel } from './catalog.ts';
import { withLicenceLinks } from './licence-links.ts';
import type { PriceBook } from './pricing.ts';

/** Most images of one job. */
const MAX_OUTPUTS = 4;
/** Of the area that the model was trained for. */
const LARGEST_AREA = 1.5;
/** Of an image's price: the model's own decoder takes more than half of the time. */
const DRAFT_SHARE = 0.5;

/** What a package's manifest says of a model. */
export interface PackageFacts {
  readonly digest: string;
  readonly size: Pick<CatalogModel['size'], 'defaultWidth' | 'defaultHeight' | 'multiple'>;
  readonly licences: CatalogModel['licences'];
  /** Absent from packages before recipes: those are DisBack's. */
  readonly recipe?: Recipe | undefined;
  readonly words?: readonly string[] | undefined;
  /** Its smaller decoder, if the package has one. */
  readonly draft?: object | undefined;
}

/** The model as it is offered: sizes from a quarter of its own to twice as long, by their area. */
export function offerModel(
  facts: PackageFacts,
  offer: Pick<CatalogModel, 'name' | 'description' | 'createdAt' | 'hardware'>,
): CatalogModel {
  const { defaultWidth, defaultHeight, multiple } = facts.size;
  const longest = Math.max(defaultWidth, defaultHeight);
  return {
    ...offer,
    digest: facts.digest,
    size: {
      defaultWidth,
      defaultHeight,
      multiple,
      min: Math.ceil(longest / 4 / multiple) * multiple,
      max: longest * 2,
      maxPixels: defaultWidth * defaultHeight * LARGEST_AREA,
    },
    recipe: facts.recipe ?? FORMER_RECIPE,
    ...defined({ words: facts.words }),
    hasDrafts: facts.draft !== undefined,
    formats: IMAGE_FORMATS,
    maxOutputs: MAX_OUTPUTS,
    licences: withLicenceLinks(facts.licences),
  };
}

/**
 * Prices that grow with the area: an image of the model's own size or smaller costs its price, larger
 * ones that price in proportion to the largest area.
 *
 * @param priceOf micro-USD for an image of the model's own size
 */
export function priceByArea(
  version: string,
  models: readonly CatalogModel[],
  priceOf: (model: CatalogModel) => number,
): PriceBook {
  return {
    version,
    models: Object.fromEntries(
      models.map((model) => {
        const { defaultWidth, defaultHeight, maxPixels } = model.size;
        const standard = priceOf(model);
        const large = Math.ceil(standard * LARGEST_AREA);
        const priceClass = (name: string, pixels: number, perImage: number) => ({
          name,
          maxPixels: pixels,
          perImage,
          ...defined({
            draftPerImage: model.hasDrafts ? Math.ceil(perImage * DRAFT_SHARE) : undefined,
          }),
        });
        return [
          model.name,
          [
            priceClass('standard', defaultWidth * defaultHeight, standard),
            priceClass('large', maxPixels, large),
          ],
        ];
      }),
    ),
  };
}
