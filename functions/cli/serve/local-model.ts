import { statSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import type { CatalogModel } from '#shared/domain/catalog.ts';
import { withLicenceLinks } from '#shared/domain/licence-links.ts';
import type { PriceBook } from '#shared/domain/pricing.ts';
import { MANIFEST_FILE, readManifest } from '#shared/model/manifest.ts';
import { sha256Hex } from './crypto.ts';

/** Most images of one job. */
const MAX_OUTPUTS = 4;
/** Of the size that the model was trained for. */
const LARGEST_AREA = 1.5;
/** Micro-USD for an image of the model's own size, for each begun megapixel of it. */
const STANDARD_PRICE = 4000;
const MEGAPIXEL = 1024 * 1024;
/** What larger images cost more, in proportion to the largest area. */
const LARGE_FACTOR = LARGEST_AREA;

export interface LocalModel {
  /** The folder of its package. */
  readonly folder: string;
  readonly catalog: CatalogModel;
}

/** A model package of this machine, as the catalogue offers it. */
export function readLocalModel(name: string, folder: string, description: string): LocalModel {
  const manifest = readManifest(folder);
  const { defaultWidth, defaultHeight, multiple } = manifest.size;
  const longest = Math.max(defaultWidth, defaultHeight);
  return {
    folder,
    catalog: {
      name,
      digest: manifest.digest,
      description,
      createdAt: Math.floor(statSync(join(folder, MANIFEST_FILE)).mtimeMs),
      size: {
        defaultWidth,
        defaultHeight,
        multiple,
        min: Math.ceil(longest / 4 / multiple) * multiple,
        max: longest * 2,
        maxPixels: defaultWidth * defaultHeight * LARGEST_AREA,
      },
      formats: IMAGE_FORMATS,
      maxOutputs: MAX_OUTPUTS,
      licences: withLicenceLinks(manifest.licences),
      hardware: 'cpu',
    },
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
  const classes = models.map(({ name, size }) => {
    const standardPixels = size.defaultWidth * size.defaultHeight;
    const standard = own.get(name) ?? STANDARD_PRICE * Math.ceil(standardPixels / MEGAPIXEL);
    return [
      name,
      [
        { name: 'standard', maxPixels: standardPixels, perImage: standard },
        {
          name: 'large',
          maxPixels: size.maxPixels,
          perImage: Math.ceil(standard * LARGE_FACTOR),
        },
      ],
    ] as const;
  });
  return {
    version: versionOf(own),
    models: Object.fromEntries(classes.map(([name, list]) => [name, [...list]])),
  };
}

/** Another version for other prices. */
function versionOf(own: ReadonlyMap<string, number>): string {
  if (own.size === 0) return 'default-1';
  return `default-1+${sha256Hex(JSON.stringify([...own].sort())).slice(0, 12)}`;
}
