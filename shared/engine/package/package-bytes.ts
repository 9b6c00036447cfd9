import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { buildDeviceGraphs, type DecoderFolders, readModelConfig } from './build-graphs.ts';
import type { Manifest } from './manifest.ts';
import { openRepository } from './repository.ts';
import { weightBytes } from './write-graphs.ts';

/** Weights are the same by every recipe; this one's timestep is in every schedule. */
const ANY_RECIPE = { ...FORMER_RECIPE, timestep: 0 };

/**
 * How many bytes of weights a package will hold, computed from a repository's configuration files.
 *
 * @throws AppError, FormatError naming the file and the field at fault
 */
export function packageBytes(
  repository: string,
  dtype: Manifest['dtype'],
  decoders?: DecoderFolders,
): number {
  const config = readModelConfig(openRepository(repository), ANY_RECIPE, decoders);
  return weightBytes(buildDeviceGraphs(config, dtype));
}
