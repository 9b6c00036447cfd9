import { basename } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import type { Declaration } from './declaration.ts';
import { isForSeveralSteps, recipeOfFile, recipeOnHub } from './known-models.ts';
import { recipeAdvice, recipeNamed } from './recipes.ts';

/** Where a file or folder was fetched from. */
export interface HubPlace {
  /** `OWNER/NAME`. */
  readonly repository: string;
  readonly file?: string | undefined;
}

export interface RecipeQuestion {
  /** The recipe that the user asked for. */
  readonly given: Recipe | undefined;
  /** What brings the UNet: a path, and where it came from. */
  readonly unet: { readonly path: string; readonly hub: HubPlace | undefined };
  /** Adapters merged into it. */
  readonly loras: readonly { readonly file: string; readonly hub?: HubPlace | undefined }[];
  /** What the repository declares about this UNet. */
  readonly declaration: Declaration | undefined;
  /** How many tensors the UNet's file has. */
  readonly tensors: () => number;
}

/**
 * The recipe of an import: the one asked for, else that of a known distribution, else the one that the
 * repository declares.
 *
 * @throws AppError `invalid-request` with the list of recipes for a model that is not known to be one-step
 */
export function chooseRecipe(question: RecipeQuestion): Recipe {
  const { given, unet, loras, declaration, tensors } = question;
  if (given !== undefined) return given;
  for (const { file, hub } of loras) {
    const known = hub && recipeOnHub(hub.repository, hub.file);
    if (known !== undefined) return recipeNamed(known);
    if (!isForSeveralSteps(hub?.file ?? file, hub?.repository)) continue;
    const name = hub === undefined ? file : nameOf(hub);
    throw new AppError('invalid-request', `${name} is made for several steps. ${recipeAdvice()}`);
  }
  const { hub, path } = unet;
  const known =
    hub === undefined
      ? recipeOfFile(basename(path), tensors)
      : recipeOnHub(hub.repository, hub.file);
  if (known !== undefined) return recipeNamed(known);
  if (declaration !== undefined) return declaration.recipe;
  const name = hub === undefined ? path : nameOf(hub);
  throw new AppError(
    'invalid-request',
    `${name} is not known to make images in one step. ${recipeAdvice()}`,
  );
}

const nameOf = ({ repository, file }: HubPlace): string =>
  file === undefined ? repository : `${repository}/${file}`;
