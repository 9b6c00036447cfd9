import { buildDeviceGraphs, type DecoderFolders, readModelConfig } from './build-graphs.ts';
import type { Manifest } from './manifest.ts';
import { openRepository } from './repository.ts';
import { weightBytes } from './write-graphs.ts';

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
  const config = readModelConfig(openRepository(repository), undefined, decoders);
  return weightBytes(buildDeviceGraphs(config, dtype));
}
