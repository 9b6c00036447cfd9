import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureDemoModel } from '#functions/cli/demo-model.ts';
import { AppError } from '#shared/core/errors.ts';
import type { PriceBook } from '#shared/domain/pricing.ts';
import { MANIFEST_FILE, readManifest } from '#shared/model/manifest.ts';
import { defaultPrices, type LocalModel, readLocalModel } from './local-model.ts';
import type { ServeConfig } from './serve-config.ts';

export const DEMO_MODEL = 'onestep/demo';
const DEMO_DESCRIPTION = 'A small model to try the service with';
/** The owner of a package whose manifest names none. */
const LOCAL_OWNER = 'local';

/**
 * The models that the server offers, the default of dialects that name none first. The configured
 * ones where there are any; else the demo model and every package under `models/` in the data folder.
 *
 * @param onProblem told of a package that is left out, and why
 * @throws AppError `invalid-request` when the configured default is not among them
 */
export async function findModels(
  config: Pick<ServeConfig, 'models' | 'defaultModel'>,
  folder: string,
  onProblem: (error: unknown, what: string) => void,
): Promise<readonly LocalModel[]> {
  const models =
    config.models === undefined
      ? [await demoModel(folder), ...importedModels(folder, onProblem)]
      : await Promise.all(config.models.map((model) => configuredModel(model, folder)));
  const wanted = config.defaultModel;
  if (wanted === undefined) return models;
  const first = models.find(({ catalog }) => catalog.name === wanted);
  if (first === undefined) throw unknownModel('defaultModel', wanted, models);
  return [first, ...models.filter((model) => model !== first)];
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

/** What `onestep import` has put into the data folder, by name. One damaged package stops nothing. */
function importedModels(
  folder: string,
  onProblem: (error: unknown, what: string) => void,
): readonly LocalModel[] {
  const found = new Map<string, LocalModel>();
  for (const path of packageFolders(join(folder, 'models'))) {
    try {
      const { name, owner, source } = readManifest(path);
      const known = `${owner ?? LOCAL_OWNER}/${name}`;
      if (found.has(known)) throw new AppError('conflict', `${path}: ${known} is there already.`);
      found.set(known, readLocalModel(known, path, `Imported from ${source.repository}`));
    } catch (error) {
      onProblem(error, 'a model package is left out');
    }
  }
  return [...found.values()];
}

function packageFolders(root: string): readonly string[] {
  const stat = statSync(root, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return [];
  return readdirSync(root)
    .filter((name) => !name.startsWith('.') && !isDemo(name))
    .map((name) => join(root, name))
    .filter((path) => statSync(join(path, MANIFEST_FILE), { throwIfNoEntry: false })?.isFile())
    .sort();
}

/** `demo-<engine>`: the demo model of this version of the engine, or of an older one. */
function isDemo(folder: string): boolean {
  return /^demo-\d/.test(folder);
}

/**
 * What the models cost: the default prices, in their place those of single models, and in their place
 * the price book's.
 *
 * @throws AppError `invalid-request` for prices of a model that is not offered
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
  for (const name of Object.keys(config.prices.models)) {
    if (!models.some(({ catalog }) => catalog.name === name)) {
      throw unknownModel('prices.models', name, models);
    }
  }
  return {
    version: config.prices.version,
    models: { ...defaults.models, ...config.prices.models },
  };
}

function unknownModel(setting: string, name: string, models: readonly LocalModel[]): AppError {
  const names = models.map(({ catalog }) => catalog.name).join(', ');
  return new AppError('invalid-request', `${setting} names ${name}; the models here are ${names}.`);
}
