import { option } from '#functions/cli/command.ts';
import { choice, whole } from '#functions/cli/option-types.ts';
import { AppError } from '#shared/core/errors.ts';
import { PREDICTIONS, type Recipe, SCHEDULERS } from '#shared/core/recipe.ts';
import { recipeAdvice, recipeNamed } from '#shared/engine/package/recipes.ts';

/** The options that say how a model makes an image in one step. */
export const RECIPE_OPTIONS = {
  recipe: option(
    'NAME',
    'how the model makes an image in one step: disback, dmd2, turbo, lightning, hyper, …',
  ),
  scheduler: option('S', 'instead of a name: lcm, tcd or euler', choice(SCHEDULERS)),
  timestep: option('N', 'with --scheduler: where its one step starts', whole(0, 999_999)),
  prediction: option('P', 'with --scheduler: epsilon, sample or v_prediction', choice(PREDICTIONS)),
};

type Parts = { [Field in Exclude<keyof Recipe, 'name'>]: Recipe[Field] | undefined };

/**
 * The recipe that the options ask for, if any.
 *
 * @throws AppError `invalid-request` naming the option at fault
 */
export function readRecipe(
  options: Readonly<{ recipe: string | undefined } & Parts>,
): Recipe | undefined {
  const { recipe: name, scheduler, timestep, prediction } = options;
  const parts = { scheduler, timestep, prediction };
  const given = Object.entries(parts).find(([, value]) => value !== undefined)?.[0];
  if (name !== undefined && given !== undefined) {
    throw new AppError('invalid-request', `--${given}: --recipe sets it already.`);
  }
  if (name !== undefined) return recipeNamed(name);
  if (given === undefined) return undefined;
  if (scheduler !== undefined && timestep !== undefined && prediction !== undefined) {
    return { name: 'custom', scheduler, timestep, prediction };
  }
  const missing = Object.entries(parts).find(([, value]) => value === undefined)?.[0];
  throw new AppError('invalid-request', `--${missing} is missing. ${recipeAdvice()}`);
}
