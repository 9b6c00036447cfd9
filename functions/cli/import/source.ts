import { existsSync } from 'node:fs';
import { AppError } from '#shared/core/errors.ts';
import { type HubReference, parseHubReference } from '#shared/engine/hub/hub-reference.ts';

/** One source of an import: a path that is used as it is, or a reference that is fetched first. */
export interface Source {
  readonly text: string;
  readonly reference: HubReference | undefined;
}

/** Endings of a path to a checkpoint, which a repository's name does not have. */
const CHECKPOINT = /\.(?:safetensors|bin|pt|pth|ckpt|json)$/i;

/**
 * The repository: a folder here, or `OWNER/NAME[@REVISION]`.
 *
 * @throws AppError `file-not-found` for what is neither
 */
export function repositorySource(text: string, isFolder: boolean): Source {
  if (isFolder || existsSync(text)) return { text, reference: undefined };
  const reference = parseHubReference(text);
  if (reference !== undefined && reference.file === undefined) return { text, reference };
  throw new AppError(
    'file-not-found',
    `${text} is neither a folder here nor OWNER/NAME of a repository on the hub.`,
  );
}

/** A file or folder here, or `OWNER/NAME[@REVISION][/FILE]` if no folder here begins so. */
export function optionalSource(text: string | undefined): Source | undefined {
  if (text === undefined) return undefined;
  const isPath = existsSync(text) || existsSync(text.split('/')[0] ?? '');
  const reference = isPath ? undefined : parseHubReference(text);
  const isFile = reference?.file === undefined && CHECKPOINT.test(text);
  return { text, reference: isFile ? undefined : reference };
}

/** Words that say nothing about which of several UNets a file is. */
const COMMON_WORDS = new Set([
  'sdxl',
  'unet',
  'safetensors',
  'bin',
  'diffusion',
  'pytorch',
  'model',
]);

/** Owner and name of a package made from a hub's file or repository: two files get two names. */
export function nameOnHub({ repository, file = '' }: HubReference): [owner: string, name: string] {
  const [owner = '', name = ''] = repository.split('/');
  const words = (text: string) => text.toLowerCase().split(/[^a-z0-9.]+|\.(?=[a-z]+$)/);
  const known = new Set([...COMMON_WORDS, ...words(name)]);
  const own = words(file).filter((word) => word !== '' && !known.has(word));
  return [owner, [name, ...own].join('-')];
}
