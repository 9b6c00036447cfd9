import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { readJsonFile } from '#shared/engine/bytes/json.ts';
import { findWeights } from '#shared/engine/checkpoint/open-checkpoint.ts';

/** The parts of an SDXL repository that hold weights. */
export const PARTS = ['text_encoder', 'text_encoder_2', 'unet', 'vae'] as const;
export type Part = (typeof PARTS)[number];
/** A part of a package: one of a repository's, or the decoder for drafts. */
export type WeightPart = Part | 'draft';

/** A folder laid out as stable-diffusion-xl-base-1.0 is. */
export interface Repository {
  readonly folder: string;
  readonly pathOf: (...names: readonly string[]) => string;
  readonly has: (...names: readonly string[]) => boolean;
  /** Whether the folder has weights of a part. */
  readonly hasWeights: (part: Part) => boolean;
  /** Reads a JSON file of the folder. @throws AppError, FormatError naming the file */
  readonly readJson: (...names: readonly string[]) => unknown;
  /**
   * The checkpoint with the weights of a part.
   *
   * @throws AppError `file-not-found` naming the folder that has none
   */
  readonly weightsOf: (part: Part) => string;
}

/**
 * @param files the files that belong to it, where its folder may hold others
 * @throws AppError `file-not-found` if there is no such folder, or a file in its place
 */
export function openRepository(folder: string, files?: readonly string[]): Repository {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) {
    const problem = stats === undefined ? 'there is no such folder' : 'is a file, not a folder';
    throw new AppError('file-not-found', `${folder}: ${problem}.`);
  }
  const pathOf = (...names: readonly string[]) => join(folder, ...names);
  const listed = files && new Set(files.map((file) => join(folder, file)));
  const exists = (path: string) => (listed?.has(path) ?? true) && existsSync(path);
  return {
    folder,
    pathOf,
    has: (...names) => exists(pathOf(...names)),
    hasWeights: (part) => findWeights(join(folder, part), exists) !== undefined,
    readJson: (...names) => {
      const path = pathOf(...names);
      const problem = `${path}: there is no such file; ${folder} must be laid out as stable-diffusion-xl-base-1.0 is.`;
      return readJsonFile(path, problem);
    },
    weightsOf: (part) => weightsOf(folder, part, exists),
  };
}

function weightsOf(folder: string, part: Part, exists: (path: string) => boolean): string {
  const path = findWeights(join(folder, part), exists);
  if (path !== undefined) return path;
  const hint = part === 'unet' ? ' Name a UNet checkpoint with --unet.' : '';
  throw new AppError('file-not-found', `${join(folder, part)} has no weights.${hint}`);
}
