import { z } from 'zod';

export const SCHEDULERS = ['lcm', 'tcd', 'euler'] as const;
export const PREDICTIONS = ['epsilon', 'sample', 'v_prediction'] as const;

/** How a distilled model gets from noise to an image in one step. */
export const RecipeSchema = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
  scheduler: z.enum(SCHEDULERS),
  /** What the network is told about the noise level, and where on the schedule the step starts. */
  timestep: z.number().int().min(0),
  /** What the network predicts: the noise, the clean latents, or the velocity between them. */
  prediction: z.enum(PREDICTIONS),
});
export type Recipe = z.infer<typeof RecipeSchema>;

/** The recipe of packages from before manifests stated one. */
export const FORMER_RECIPE: Recipe = {
  name: 'disback',
  scheduler: 'lcm',
  timestep: 399,
  prediction: 'epsilon',
};

/** One line for people: `turbo (euler, timestep 999, epsilon)`. */
export const recipeText = ({ name, scheduler, timestep, prediction }: Recipe): string =>
  `${name} (${scheduler}, timestep ${timestep}, ${prediction})`;
