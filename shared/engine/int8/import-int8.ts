import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { importModel } from '#shared/engine/package/import-model.ts';
import {
  type Int8Choice,
  MANIFEST_FILE,
  type Manifest,
  readManifest,
} from '#shared/engine/package/manifest.ts';
import { assertReplaceable } from '#shared/engine/package/new-folder.ts';
import { type ChooseOptions, chooseInt8 } from './choose-int8.ts';

export interface Int8ImportOptions extends ChooseOptions {
  /** What an earlier import of the same model chose, to be repeated. */
  readonly calibration?: Int8Choice | undefined;
}

/**
 * Makes a model package whose UNet's linear layers and decoder's wide convolutions are int8.
 *
 * @throws AppError as {@link chooseInt8} and `importModel` do
 */
export async function importInt8(options: Int8ImportOptions): Promise<Manifest> {
  // Before minutes are spent on it.
  assertReplaceable(options.out);
  const { calibration, accept, barDb, onStep, ...rest } = options;
  const int8 = calibration ?? (await chooseInt8({ ...rest, accept, barDb, onStep }));
  return importModel({ ...rest, dtype: 'int8', int8 });
}

/**
 * What an int8 package's import chose.
 *
 * @param path its manifest or its folder
 * @throws AppError `file-not-found`, `invalid-request` if it is no int8 package
 */
export function readCalibration(path: string): Int8Choice {
  const folder = path.endsWith(MANIFEST_FILE) ? join(path, '..') : path;
  const { int8 } = readManifest(folder);
  // Packages from before, and those with a small decoder, have all of the decoder in float32.
  if (int8 !== undefined) return { convolutions: {}, ...int8 };
  throw new AppError('invalid-request', `--calibration: ${path} is not of an int8 package.`);
}
