import { AppError } from '#shared/core/errors.ts';
import type { HubFile, HubRepository } from './hub-repository.ts';

export type WeightPart = 'text_encoder' | 'text_encoder_2' | 'unet' | 'vae';

export interface Choice {
  /** Parts whose weights are wanted; those of the others come from elsewhere. */
  readonly weights: readonly WeightPart[];
  /**
   * Which precision is fetched if both exist. fp16 for an fp16 package: half the bytes and the same
   * values, except for the VAE, which then has its own rounding. Plain for fp32.
   */
  readonly dtype: 'fp32' | 'fp16';
}

/** Files that describe a model. Missing ones are no error here; the import names what it needs. */
const DESCRIPTIONS =
  /^((model_index|onestep)\.json|(unet|vae|text_encoder|text_encoder_2)\/config\.json|scheduler\/scheduler_config\.json|tokenizer(_2)?\/(vocab\.json|merges\.txt|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json))$/;
const LICENCE_FILES = /^(README\.md|licen[sc]e[^/]*)$/i;
/** Pictures of a model card are larger than any licence. */
const MAX_LICENCE_BYTES = 2 ** 20;

/** A decoder's, which may be a repository of its own. */
const CONFIG = /(^|\/)config\.json$/;

/** Whether a file only describes a model, so that reading it first may save the rest. */
export const isDescription = ({ path }: HubFile): boolean =>
  DESCRIPTIONS.test(path) || CONFIG.test(path) || LICENCE_FILES.test(path);

const STEM = '(?:diffusion_pytorch_model|model)';
/** How diffusers and transformers name weights, by precision: one file or several, best first. */
const NAMES = {
  fp32: [
    new RegExp(`^${STEM}\\.safetensors$`),
    new RegExp(`^${STEM}(\\.safetensors\\.index\\.json|-\\d+-of-\\d+\\.safetensors)$`),
  ],
  fp16: [
    new RegExp(`^${STEM}\\.fp16\\.safetensors$`),
    new RegExp(
      `^${STEM}(\\.safetensors\\.index\\.fp16\\.json|\\.fp16\\.safetensors\\.index\\.json|\\.fp16-\\d+-of-\\d+\\.safetensors|-\\d+-of-\\d+\\.fp16\\.safetensors)$`,
    ),
  ],
} as const;

/**
 * The files of an SDXL repository that inference needs: configurations, tokenizers, licence and, per
 * part, the weights in one precision.
 *
 * @throws AppError `file-not-found` naming a part without weights
 */
export function chooseFiles(repository: HubRepository, choice: Choice): HubFile[] {
  const chosen = repository.files.filter(
    ({ path, sizeBytes }) =>
      DESCRIPTIONS.test(path) || (LICENCE_FILES.test(path) && sizeBytes <= MAX_LICENCE_BYTES),
  );
  for (const part of choice.weights) {
    const found = findWeights(repository, part, choice.dtype);
    if (found === undefined) throw noWeights(repository, part);
    chosen.push(...found);
  }
  return chosen;
}

/**
 * The configuration and weights of a decoder that is a repository or a folder of one.
 *
 * @throws AppError `file-not-found`
 */
export function chooseDecoder(
  repository: HubRepository,
  folder: string | undefined,
  dtype: Choice['dtype'],
): HubFile[] {
  const path = folder === undefined ? 'config.json' : `${folder}/config.json`;
  const weights = findWeights(repository, folder ?? '', dtype);
  if (weights === undefined) throw noWeights(repository, folder ?? 'decoder');
  return [...chooseFile(repository, path, 'vae'), ...weights];
}

/** The weights in a folder of a repository; at its root for an empty name. */
function findWeights(
  { files }: HubRepository,
  folder: string,
  dtype: 'fp32' | 'fp16',
): readonly HubFile[] | undefined {
  const start = folder === '' ? '' : `${folder}/`;
  const other = dtype === 'fp16' ? 'fp32' : 'fp16';
  for (const pattern of [...NAMES[dtype], ...NAMES[other]]) {
    const found = files.filter(
      ({ path }) => path.startsWith(start) && pattern.test(path.slice(start.length)),
    );
    // Shards are of no use without the index that joins them.
    const complete = found.length === 1 || found.some(({ path }) => path.endsWith('.json'));
    if (complete) return found;
  }
  return undefined;
}

const noWeights = ({ name }: HubRepository, part: string): AppError =>
  new AppError(
    'file-not-found',
    `${name} has no ${part} weights in safetensors.${part === 'unet' ? ' Name a UNet with --unet.' : ''}`,
  );

/** Whether a repository has weights of a part in any precision. */
export const listsWeights = ({ files }: HubRepository, part: WeightPart): boolean =>
  files.some(({ path }) => path.startsWith(`${part}/`) && /\.(safetensors|bin)$/.test(path));

/** Files that may be meant by the name of a repository alone. */
const CHECKPOINT = /\.(safetensors|bin|ckpt|pt|pth)$/;
/** Names listed in a message. */
const MAX_CANDIDATES = 20;

/**
 * One file of a repository, and what states its licence.
 *
 * @param file undefined if only the repository was named
 * @param option that named it
 * @throws AppError `file-not-found` naming the file, `invalid-request` with the files to choose from
 */
export function chooseFile(
  repository: HubRepository,
  file: string | undefined,
  option: string,
): HubFile[] {
  if (file === undefined) throw listCandidates(repository, option);
  const found = repository.files.find(({ path }) => path === file);
  if (found === undefined) {
    throw new AppError(
      'file-not-found',
      `${repository.name} has no file ${file} at commit ${repository.commit.slice(0, 12)}.`,
    );
  }
  const licences = repository.files.filter(
    ({ path, sizeBytes }) => LICENCE_FILES.test(path) && sizeBytes <= MAX_LICENCE_BYTES,
  );
  return [...licences.filter(({ path }) => path !== file), found];
}

function listCandidates({ name, files }: HubRepository, option: string): AppError {
  const candidates = files.filter(({ path }) => CHECKPOINT.test(path)).map(({ path }) => path);
  const shown = candidates.slice(0, MAX_CANDIDATES).map((path) => `${name}/${path}`);
  const more = candidates.length - shown.length;
  const list = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return new AppError(
    'invalid-request',
    `--${option} ${name} names a repository, not a file of it. ${list === '' ? 'It has no checkpoints.' : `It has ${list}.`}`,
  );
}
