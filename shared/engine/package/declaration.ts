import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import { type Recipe, RecipeSchema } from '#shared/core/recipe.ts';
import { parseFields } from '#shared/engine/bytes/json.ts';
import { RECIPE_NAMES, recipeNamed } from './recipes.ts';
import type { Repository } from './repository.ts';

/** At the root of a repository: what its makers say about the model. */
export const DECLARATION_FILE = 'onestep.json';

const MAX_WORDS = 10_000;

export const SizesSchema = z.array(z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/)).min(1);
export const WordsSchema = z
  .array(z.string().refine((word) => word !== '' && word === word.toLowerCase().trim()))
  .max(MAX_WORDS);

/** Whether a recipe that is spelled out does not go by the name of another one. */
const hasOwnName = ({ name, ...recipe }: { name?: string | undefined }): boolean =>
  RECIPE_NAMES.every((known) => {
    const { name: _, ...values } = recipeNamed(known);
    return known !== name || isDeepStrictEqual(recipe, values);
  });

const DeclarationSchema = z.strictObject({
  recipe: z.union(
    [
      z.enum(RECIPE_NAMES),
      z
        .strictObject(RecipeSchema.shape)
        .partial({ name: true })
        .refine(hasOwnName, { path: ['name'], message: 'is the name of another recipe' }),
    ],
    `must be one of ${RECIPE_NAMES.join(', ')}, or give scheduler, timestep and prediction`,
  ),
  /** Sizes that the model was trained on, the default first: `1024x1024`. */
  sizes: SizesSchema.optional(),
  /** Nouns, colours and places that a small model was trained on; absent if unknown. */
  words: WordsSchema.optional(),
});

export interface Declaration {
  readonly recipe: Recipe;
  readonly sizes?: readonly string[] | undefined;
  readonly words?: readonly string[] | undefined;
}

/** @throws FormatError naming the field at fault */
export function readDeclaration(repository: Repository): Declaration | undefined {
  if (!repository.has(DECLARATION_FILE)) return undefined;
  const file = repository.pathOf(DECLARATION_FILE);
  const { recipe, ...rest } = parseFields(
    DeclarationSchema,
    repository.readJson(DECLARATION_FILE),
    file,
  );
  if (typeof recipe === 'string') return { ...rest, recipe: recipeNamed(recipe) };
  return { ...rest, recipe: { ...recipe, name: recipe.name ?? 'custom' } };
}

/** @throws FormatError naming a declared size that is no multiple of the VAE's pixels per latent */
export function assertSizes({ sizes = [] }: Declaration, multiple: number, file: string): void {
  const fits = (size: string) => size.split('x').every((side) => Number(side) % multiple === 0);
  for (const [index, size] of sizes.entries()) {
    if (fits(size)) continue;
    throw new FormatError(file, `"sizes.${index}": ${size} is not in multiples of ${multiple}`);
  }
}
