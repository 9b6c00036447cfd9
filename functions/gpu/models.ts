import { AppError } from '#shared/core/errors.ts';
import type { InferenceRequest } from '#shared/core/inference.ts';
import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';

/** A model package that this function serves. */
export interface ServedModel {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Reads the manifests of the folders, at least one; throws what `readManifest` throws. */
export function readServedModels(
  folders: readonly string[],
): readonly [ServedModel, ...ServedModel[]] {
  const [first, ...rest] = folders.map((folder) => ({ folder, manifest: readManifest(folder) }));
  if (first === undefined) throw new AppError('invalid-request', 'MODEL_FOLDERS names no folder.');
  return [first, ...rest];
}

/**
 * The package that a task means: by its digest where there is one, else by its name, with or without
 * the owner that clients put before it.
 *
 * @throws AppError `invalid-input` when it is not served here
 */
export function findModel(
  models: readonly ServedModel[],
  { name, digest }: InferenceRequest['model'],
): ServedModel {
  const found = models.find(({ manifest }) =>
    digest === undefined ? manifest.name === name.split('/').at(-1) : manifest.digest === digest,
  );
  if (found !== undefined) return found;
  const wanted = digest === undefined ? name : `${name} with the digest ${digest}`;
  throw new AppError('invalid-input', `This function does not serve ${wanted}.`, {
    details: { param: 'model' },
  });
}
