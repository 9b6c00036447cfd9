import { AppError } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';

/** Recipes by name, as the models' own cards describe their calls. */
const RECIPES = {
  disback: { scheduler: 'lcm', timestep: 399, prediction: 'epsilon' },
  dmd2: { scheduler: 'lcm', timestep: 399, prediction: 'epsilon' },
  turbo: { scheduler: 'euler', timestep: 999, prediction: 'epsilon' },
  lightning: { scheduler: 'euler', timestep: 999, prediction: 'sample' },
  hyper: { scheduler: 'lcm', timestep: 800, prediction: 'epsilon' },
  'hyper-lora': { scheduler: 'tcd', timestep: 999, prediction: 'epsilon' },
  'nitrosd-realism': { scheduler: 'lcm', timestep: 249, prediction: 'epsilon' },
  'nitrosd-vibrant': { scheduler: 'lcm', timestep: 499, prediction: 'epsilon' },
} as const satisfies Record<string, Omit<Recipe, 'name'>>;

export type RecipeName = keyof typeof RECIPES;
export const RECIPE_NAMES = Object.keys(RECIPES) as readonly RecipeName[];

/** Pixels per side that a recipe's models were trained on, if not the UNet's own. */
const NATIVE_SIDES: Readonly<Record<string, number>> = { turbo: 512 };

export const nativeSide = ({ name }: Recipe): number | undefined => NATIVE_SIDES[name];

function recipe(name: RecipeName): Recipe {
  return { name, ...RECIPES[name] };
}

/** @throws AppError `invalid-request` with the list of recipes */
export function recipeNamed(name: string): Recipe {
  const known = RECIPE_NAMES.find((each) => each === name);
  if (known !== undefined) return recipe(known);
  throw new AppError('invalid-request', `There is no recipe "${name}". ${recipeAdvice()}`);
}

/** How to say which recipe a model needs. */
export const recipeAdvice = (): string =>
  `Recipes are ${RECIPE_NAMES.join(', ')}: name one with --recipe, or spell it out with --scheduler lcm|tcd|euler --timestep N --prediction epsilon|sample|v_prediction.`;
