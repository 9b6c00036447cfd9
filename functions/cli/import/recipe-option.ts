import { AppError } from '#shared/core/errors.ts';
import { PREDICTIONS, type Recipe, RecipeSchema, SCHEDULERS } from '#shared/core/recipe.ts';
import { recipeAdvice, recipeNamed } from '#shared/engine/package/recipes.ts';

/** The options that say how a model makes an image in one step. */
export const RECIPE_OPTIONS = {
  recipe: {
    type: 'string',
    value: 'NAME',
    help: 'how the model makes an image in one step: disback, dmd2, turbo, lightning, hyper, …',
  },
  scheduler: { type: 'string', value: 'S', help: 'instead of a name: lcm, tcd or euler' },
  timestep: { type: 'string', value: 'N', help: 'with --scheduler: where its one step starts' },
  prediction: {
    type: 'string',
    value: 'P',
    help: 'with --scheduler: epsilon, sample or v_prediction',
  },
} as const;

/**
 * The recipe that the options ask for, if any.
 *
 * @throws AppError `invalid-request` naming the option at fault
 */
export function readRecipe(values: Readonly<Record<string, unknown>>): Recipe | undefined {
  const { recipe: name, scheduler, timestep, prediction } = values;
  const parts = Object.entries({ scheduler, timestep, prediction });
  const given = parts.filter(([, value]) => value !== undefined);
  if (name !== undefined && given.length > 0) {
    throw new AppError('invalid-request', `--recipe says all that --${given[0]?.[0]} would.`);
  }
  if (name !== undefined) return recipeNamed(String(name));
  if (given.length === 0) return undefined;
  const missing = parts.find(([, value]) => value === undefined)?.[0];
  if (missing !== undefined) {
    throw new AppError('invalid-request', `--${missing} is missing. ${recipeAdvice()}`);
  }
  const parsed = RecipeSchema.safeParse({
    name: 'custom',
    scheduler,
    timestep: /^\d{1,6}$/.test(String(timestep)) ? Number(timestep) : Number.NaN,
    prediction,
  });
  if (parsed.success) return parsed.data;
  const field = String(parsed.error.issues[0]?.path[0]) as keyof typeof CHOICES;
  throw new AppError(
    'invalid-request',
    `--${field} ${values[field]} does not work: it is ${CHOICES[field]}.`,
  );
}

const CHOICES = {
  scheduler: SCHEDULERS.join(', '),
  timestep: 'a whole number from 0 to 999999',
  prediction: PREDICTIONS.join(', '),
} as const;
