import { AppError } from '#shared/core/errors.ts';
import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';

/**
 * The manifest of a package that is to run on a GPU.
 *
 * @throws AppError `invalid-request` when the package has no graphs for CUDA: an endpoint would start,
 *   bill, and never become ready
 */
export function readGpuPackage(folder: string): Manifest {
  const manifest = readManifest(folder);
  if (manifest.graphs.cuda !== undefined) return manifest;
  throw new AppError(
    'invalid-request',
    `${folder} has no graphs for a GPU. Import the model again with "--dtype fp16".`,
  );
}
