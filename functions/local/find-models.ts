import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { MANIFEST_FILE } from '#shared/engine/package/manifest.ts';
import type { Offered } from '#shared/service/domain/offer.ts';
import type { PriceBook } from '#shared/service/domain/pricing.ts';
import { ensureDemoModel } from './demo-model.ts';
import { importedFolders, importedPackages } from './imported-packages.ts';
import { defaultPrices, type LocalModel, readLocalModel } from './local-model.ts';
import type { ServeConfig } from './serve-config.ts';

const DEMO_MODEL = 'onestep/demo';
const DEMO_DESCRIPTION = 'A small model to try the service with';

/**
 * The models that the server offers, the default of dialects that name none first. The configured
 * ones where there are any; else the demo model and every package under `models/` in the data folder.
 *
 * @param onProblem called for each package that is left out, with the reason
 * @throws AppError `invalid-request` when the configured default is not among them
 */
export async function findModels(
  config: Pick<ServeConfig, 'models' | 'defaultModel'>,
  folder: string,
  onProblem: (error: unknown, what: string) => void,
): Promise<readonly LocalModel[]> {
  const models =
    config.models === undefined
      ? [
          await demoModel(folder),
          ...importedPackages(folder, onProblem).map((found) =>
            readLocalModel(found.name, found.folder, found.description),
          ),
        ]
      : await Promise.all(config.models.map((model) => configuredModel(model, folder)));
  const wanted = config.defaultModel;
  if (wanted === undefined) return models;
  const first = models.find(({ catalog }) => catalog.name === wanted);
  if (first === undefined) throw unknownModel('defaultModel', wanted, models);
  return [first, ...models.filter((model) => model !== first)];
}

/** A text that changes whenever a package that `findModels` would find comes, goes or is replaced. */
export function packageMarks(config: Pick<ServeConfig, 'models'>, folder: string): string {
  const folders =
    config.models === undefined
      ? importedFolders(folder)
      : config.models.flatMap(({ package: path }) => (path === undefined ? [] : [resolve(path)]));
  return folders
    .map((path) => {
      const file = statSync(join(path, MANIFEST_FILE), { throwIfNoEntry: false });
      return `${path} ${file?.ino} ${file?.mtimeMs} ${file?.size}`;
    })
    .join('\n');
}

async function demoModel(folder: string, description?: string): Promise<LocalModel> {
  return readLocalModel(DEMO_MODEL, await ensureDemoModel(folder), description ?? DEMO_DESCRIPTION);
}

async function configuredModel(
  { name, package: path, description }: NonNullable<ServeConfig['models']>[number],
  folder: string,
): Promise<LocalModel> {
  if (path === undefined) return demoModel(folder, description);
  return readLocalModel(name, resolve(path), description ?? '');
}

/** @throws AppError `invalid-request` for prices of a model that is not offered */
export function assertPricedModels(
  { prices }: Pick<ServeConfig, 'prices'>,
  models: readonly LocalModel[],
): void {
  for (const name of Object.keys(prices?.models ?? {})) {
    if (!models.some(({ catalog }) => catalog.name === name)) {
      throw unknownModel('prices.models', name, models);
    }
  }
}

/** The models and their prices, as the service offers them. */
export function offerOf(
  config: Pick<ServeConfig, 'models' | 'prices'>,
  models: readonly LocalModel[],
): Offered {
  return { models: models.map(({ catalog }) => catalog), prices: pricesOf(config, models) };
}

/**
 * What the models cost: the default prices, in their place those of single models, and in their place
 * the price book's.
 */
export function pricesOf(
  config: Pick<ServeConfig, 'models' | 'prices'>,
  models: readonly LocalModel[],
): PriceBook {
  const own = new Map(
    (config.models ?? []).flatMap(({ name, price }) =>
      price === undefined ? [] : [[name, price] as const],
    ),
  );
  const defaults = defaultPrices(
    models.map(({ catalog }) => catalog),
    own,
  );
  if (config.prices === undefined) return defaults;
  return {
    version: config.prices.version,
    models: { ...defaults.models, ...config.prices.models },
  };
}

function unknownModel(setting: string, name: string, models: readonly LocalModel[]): AppError {
  const names = models.map(({ catalog }) => catalog.name).join(', ');
  return new AppError('invalid-request', `${setting} names ${name}; the models here are ${names}.`);
}
