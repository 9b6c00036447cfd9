import { basename } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { type Declaration, readDeclaration } from './declaration.ts';
import { hasNameOfAdapter, isForSeveralSteps, recipeOfFile, recipeOnHub } from './known-models.ts';
import type { HubPlace, Lora } from './merge-lora.ts';
import { recipeAdvice, recipeNamed } from './recipes.ts';
import { openRepository } from './repository.ts';

/** What the recipe of an import follows from. */
export interface RecipeOptions {
  /** A folder laid out as stable-diffusion-xl-base-1.0 is. */
  readonly repository: string;
  /** Files that the repository consists of; by default all in its folder. */
  readonly files?: readonly string[] | undefined;
  /** Whether it has UNet weights of its own; by default its files tell. */
  readonly hasUnet?: boolean | undefined;
  /** A file that brings the UNet, or all parts. */
  readonly unet?: string | undefined;
  readonly checkpoint?: string | undefined;
  /** Adapters merged into the weights, in this order. */
  readonly loras?: readonly Lora[] | undefined;
  /** Which of the sources were fetched from the hub, and from where. */
  readonly hub?: Readonly<Partial<Record<'repository' | 'unet' | 'checkpoint', HubPlace>>>;
  /** The recipe that the user asked for. */
  readonly recipe?: Recipe | undefined;
}

/**
 * The recipe of an import: the one asked for, else that of a known distribution, else the one that the
 * repository declares.
 *
 * @throws AppError `invalid-request` with the list of recipes for a model that is not known to be one-step
 */
export function recipeOfImport(options: RecipeOptions): {
  recipe: Recipe;
  declaration: Declaration | undefined;
} {
  const declaration = declarationFor(options);
  return { recipe: options.recipe ?? knownRecipe(options, declaration), declaration };
}

/** What the repository declares, if it is about the UNet that is imported. */
function declarationFor(options: RecipeOptions): Declaration | undefined {
  const repository = openRepository(options.repository, options.files);
  const { hasUnet = repository.hasWeights('unet') } = options;
  const isOther = hasUnet && (options.unet ?? options.checkpoint) !== undefined;
  return isOther ? undefined : readDeclaration(repository);
}

function knownRecipe(options: RecipeOptions, declaration: Declaration | undefined): Recipe {
  const { hub, path } = unetSource(options);
  const model = hub === undefined ? path : nameOf(hub);
  const known =
    hub === undefined
      ? recipeOfFile(basename(path), () => countTensors(path))
      : recipeOnHub(hub.repository, hub.file);
  const own = known === undefined ? declaration?.recipe : recipeNamed(known);
  const adapter = adapterRecipe(options.loras ?? []);
  if (own !== undefined && adapter !== undefined && own.name !== adapter.recipe.name) {
    throw needsRecipe(
      `${model} makes images in one step (${own.name}), and so does ${adapter.name} on its own base`,
    );
  }
  const recipe = adapter?.recipe ?? own;
  if (recipe !== undefined) return recipe;
  throw needsRecipe(`${model} is not known to make images in one step`);
}

/** The recipe of the first adapter that makes its base one-step. */
function adapterRecipe(loras: readonly Lora[]): { name: string; recipe: Recipe } | undefined {
  let found: { name: string; recipe: Recipe } | undefined;
  for (const { file, hub } of loras) {
    const name = hub === undefined ? file : nameOf(hub);
    const known = hub && recipeOnHub(hub.repository, hub.file);
    if (known !== undefined) found ??= { name, recipe: recipeNamed(known) };
    else if (isForSeveralSteps(hub?.file ?? file, hub?.repository)) {
      throw needsRecipe(`${name} is made for several steps`);
    } else if (hasNameOfAdapter(basename(file))) {
      throw needsRecipe(`${name} has the name of a LoRA that makes its base one-step`);
    }
  }
  return found;
}

const needsRecipe = (problem: string): AppError =>
  new AppError('invalid-request', `${problem}. ${recipeAdvice()}`);

/** What brings the UNet. */
function unetSource({ unet, checkpoint, repository, hub }: RecipeOptions): {
  readonly path: string;
  readonly hub: HubPlace | undefined;
} {
  if (unet !== undefined) return { path: unet, hub: hub?.unet };
  if (checkpoint !== undefined) return { path: checkpoint, hub: hub?.checkpoint };
  return { path: repository, hub: hub?.repository };
}

function countTensors(path: string): number {
  const checkpoint = openCheckpoint(path);
  checkpoint.close();
  return checkpoint.tensors.size;
}

const nameOf = ({ repository, file }: HubPlace): string =>
  file === undefined ? repository : `${repository}/${file}`;
