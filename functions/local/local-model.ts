import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '#shared/core/hash.ts';
import { MANIFEST_FILE, readManifest } from '#shared/engine/package/manifest.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import { offerModel, priceByArea } from '#shared/service/domain/model-offer.ts';
import type { PriceBook } from '#shared/service/domain/pricing.ts';

/** Micro-USD for an image of the model's own size, for each begun megapixel of it. */
const STANDARD_PRICE = 4000;
const MEGAPIXEL = 1024 * 1024;

export interface LocalModel {
  /** The folder of its package. */
  readonly folder: string;
  readonly catalog: CatalogModel;
}

/** A model package of this machine, as the catalogue offers it. */
export function readLocalModel(name: string, folder: string, description: string): LocalModel {
  return {
    folder,
    catalog: offerModel(readManifest(folder), {
      name,
      description,
      createdAt: Math.floor(statSync(join(folder, MANIFEST_FILE)).mtimeMs),
      hardware: 'cpu',
    }),
  };
}

/**
 * What images cost where no price book says it: less than a cent each for models of a megapixel.
 *
 * @param own micro-USD for an image of the model's own size, where the configuration gives it
 */
export function defaultPrices(
  models: readonly CatalogModel[],
  own: ReadonlyMap<string, number> = new Map(),
): PriceBook {
  return priceByArea(versionOf(own), models, ({ name, size }) => {
    const megapixels = Math.ceil((size.defaultWidth * size.defaultHeight) / MEGAPIXEL);
    return own.get(name) ?? STANDARD_PRICE * megapixels;
  });
}

/** Another version for other prices. */
function versionOf(own: ReadonlyMap<string, number>): string {
  if (own.size === 0) return 'default-1';
  return `default-1+${sha256Hex(JSON.stringify([...own].sort())).slice(0, 12)}`;
}
