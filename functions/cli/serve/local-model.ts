import { statSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import type { CatalogModel } from '#shared/domain/catalog.ts';
import type { PriceBook } from '#shared/domain/pricing.ts';
import { MANIFEST_FILE, readManifest } from '#shared/model/manifest.ts';

/** Most images of one job. */
const MAX_OUTPUTS = 4;
/** Of the size that the model was trained for. */
const LARGEST_AREA = 1.5;
const STANDARD_PRICE = 4000;
const LARGE_PRICE = 6000;

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
      licences: manifest.licences,
      hardware: 'cpu',
    },
  };
}

/** What images cost where the configuration says nothing: less than a cent each. */
export function defaultPrices(models: readonly CatalogModel[]): PriceBook {
  return {
    version: 'default-1',
    models: Object.fromEntries(
      models.map(({ name, size }) => [
        name,
        [
          {
            name: 'standard',
            maxPixels: size.defaultWidth * size.defaultHeight,
            perImage: STANDARD_PRICE,
          },
          { name: 'large', maxPixels: size.maxPixels, perImage: LARGE_PRICE },
        ],
      ]),
    ),
  };
}
