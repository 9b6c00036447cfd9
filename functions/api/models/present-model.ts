import { z } from 'zod';
import type { ApiDeps } from '#functions/api/http/deps.ts';
import { imageInputSchema } from '#functions/api/predictions/image-input.ts';
import { toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { aspectSizes, type CatalogModel } from '#shared/service/domain/catalog.ts';
import { leadingLicence } from '#shared/service/domain/licence-links.ts';
import type { ListedModel, Model, ModelVersion } from './model-schema.ts';

/** Models as clients see them, with the JSON schema of what each takes. */
export function createModelPresenter(deps: Pick<ApiDeps, 'catalog' | 'pricing'>) {
  // Models may come and go while the server runs.
  const schemas = new WeakMap<CatalogModel, Record<string, unknown>>();
  const schemaOf = (model: CatalogModel): Record<string, unknown> => {
    const known = schemas.get(model) ?? openApiSchemaOf(model);
    schemas.set(model, known);
    return known;
  };

  const version = (model: CatalogModel): ModelVersion => ({
    id: model.digest,
    created_at: toIso(model.createdAt),
    // Cog plays no part here; the dialect's clients expect a version.
    cog_version: '0.0.0',
    openapi_schema: schemaOf(model),
  });

  return {
    version,

    /** As OpenAI's clients know it. */
    listed: (model: CatalogModel): ListedModel => ({
      id: model.name,
      object: 'model',
      created: Math.floor(model.createdAt / 1000),
      owned_by: model.name.split('/')[0] ?? '',
    }),

    model(model: CatalogModel, origin: string): Model {
      const [owner = '', name = ''] = model.name.split('/');
      const { multiple, min, max, maxPixels } = model.size;
      return {
        url: `${origin}/v1/models/${model.name}`,
        owner,
        name,
        description: model.description,
        visibility: 'public',
        github_url: null,
        paper_url: null,
        license_url: leadingLicence(model.licences)?.url ?? null,
        // Runs are not counted; the dialect's clients expect a number.
        run_count: 0,
        cover_image_url: null,
        default_example: null,
        latest_version: version(model),
        hardware: model.hardware,
        licences: model.licences.map(({ part, name: licence, url }) => ({
          part,
          name: licence,
          ...(url === undefined ? {} : { url }),
        })),
        sizes: {
          multiple,
          min,
          max,
          max_pixels: maxPixels,
          aspect_ratios: Object.fromEntries(
            Object.entries(aspectSizes(model.size)).map(([ratio, { width, height }]) => [
              ratio,
              `${width}x${height}`,
            ]),
          ),
        },
        recipe: model.recipe,
        decoders: model.hasDrafts ? ['draft'] : [],
        ...defined({ words: model.words && [...model.words] }),
        price: {
          currency: 'micro_usd',
          version: deps.pricing.version,
          classes: deps.pricing.classes(model.name).map((priceClass) => ({
            name: priceClass.name,
            max_pixels: priceClass.maxPixels,
            per_image: priceClass.perImage,
            ...defined({ draft_per_image: priceClass.draftPerImage }),
          })),
        },
      };
    },
  };
}

/** The document that Replicate's tools read a model's form from. */
function openApiSchemaOf(model: CatalogModel): Record<string, unknown> {
  const { $schema: _dialect, ...input } = z.toJSONSchema(imageInputSchema(model), {
    io: 'input',
  });
  return {
    openapi: '3.1.0',
    info: { title: model.name, version: model.digest },
    paths: {},
    components: {
      schemas: {
        Input: { title: 'Input', ...input },
        Output: {
          title: 'Output',
          type: 'array',
          items: { type: 'string', format: 'uri' },
        },
      },
    },
  };
}
