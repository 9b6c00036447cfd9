import { z } from '@hono/zod-openapi';
import { DateTime, pageWithPrevious } from '#functions/api/http/common-schema.ts';
import { RecipeSchema } from '#shared/core/recipe.ts';

export const ModelVersionSchema = z
  .object({
    id: z.string().describe('Digest of the model package'),
    created_at: DateTime,
    cog_version: z.string(),
    openapi_schema: z.record(z.string(), z.unknown()),
  })
  .openapi('ModelVersion');

/** A model as OpenAI's clients know it. */
export const ListedModelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number().int(),
  owned_by: z.string(),
});
export type ListedModel = z.infer<typeof ListedModelSchema>;

export const ModelSchema = ListedModelSchema.partial()
  .extend({
    url: z.string(),
    owner: z.string(),
    name: z.string(),
    description: z.string(),
    visibility: z.literal('public'),
    github_url: z.string().nullable(),
    paper_url: z.string().nullable(),
    license_url: z.string().nullable(),
    run_count: z.number().int(),
    cover_image_url: z.string().nullable(),
    default_example: z.record(z.string(), z.unknown()).nullable(),
    latest_version: ModelVersionSchema,
    hardware: z.string(),
    licences: z.array(z.object({ part: z.string(), name: z.string(), url: z.string().optional() })),
    sizes: z.object({
      multiple: z.number().int(),
      min: z.number().int(),
      max: z.number().int(),
      max_pixels: z.number().int(),
      aspect_ratios: z.record(z.string(), z.string()),
    }),
    recipe: RecipeSchema,
    words: z.array(z.string()).optional(),
    decoders: z.array(z.literal('draft')),
    price: z.object({
      currency: z.literal('micro_usd'),
      version: z.string(),
      classes: z.array(
        z.object({
          name: z.string(),
          max_pixels: z.number().int(),
          per_image: z.number().int(),
          draft_per_image: z.number().int().optional(),
        }),
      ),
    }),
  })
  .openapi('Model');
export type Model = z.infer<typeof ModelSchema>;
export type ModelVersion = z.infer<typeof ModelVersionSchema>;

export const ModelPageSchema = pageWithPrevious(ModelSchema)
  .extend({ object: z.literal('list'), data: z.array(ListedModelSchema) })
  .openapi('ModelPage');
export const ModelVersionPageSchema = pageWithPrevious(ModelVersionSchema);
