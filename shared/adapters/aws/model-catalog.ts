import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import { RecipeSchema } from '#shared/core/recipe.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import { offerModel, priceByArea } from '#shared/service/domain/model-offer.ts';
import type { PriceBook } from '#shared/service/domain/pricing.ts';
import { type DeployedModel, hasInstances } from './environment.ts';

/** What the catalogue needs of a package's manifest. */
const ManifestSchema = z.object({
  digest: z.string(),
  size: z.object({
    defaultWidth: z.number().int().positive(),
    defaultHeight: z.number().int().positive(),
    multiple: z.number().int().positive(),
  }),
  recipe: RecipeSchema.optional(),
  words: z.array(z.string()).optional(),
  draft: z.object({}).optional(),
  licences: z.array(z.object({ part: z.string(), name: z.string(), url: z.string().optional() })),
});

/**
 * Reads the manifests of the deployed models from the bucket of model packages.
 *
 * @throws AppError `unavailable` that names a package which is not there or not whole
 */
export function readCatalogModels(
  client: S3Client,
  bucket: string,
  models: readonly DeployedModel[],
): Promise<readonly CatalogModel[]> {
  return Promise.all(models.map((model) => readModel(client, bucket, model)));
}

async function readModel(
  client: S3Client,
  bucket: string,
  model: DeployedModel,
): Promise<CatalogModel> {
  const key = `models/${model.digest}/manifest.json`;
  const unavailable = (cause: unknown) =>
    new AppError(
      'unavailable',
      `The package of ${model.name} is not at ${key}. Run "onestep push".`,
      {
        cause,
      },
    );
  let text: string | undefined;
  let createdAt = 0;
  try {
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    createdAt = answer.LastModified?.getTime() ?? 0;
    text = await answer.Body?.transformToString();
  } catch (cause) {
    throw unavailable(cause);
  }
  const manifest = ManifestSchema.safeParse(JSON.parse(text ?? 'null'));
  if (!manifest.success || manifest.data.digest !== model.digest) throw unavailable(manifest.error);
  return offerModel(manifest.data, {
    name: model.name,
    description: 'SDXL in one denoising step.',
    createdAt,
    hardware: hasInstances(model) ? 'sagemaker-async' : 'lambda',
  });
}

/** The deployment's prices: what the context gives is for images of the model's own size. */
export function deployedPrices(
  models: readonly DeployedModel[],
  catalog: readonly CatalogModel[],
): PriceBook {
  const prices = new Map(models.map(({ name, price }) => [name, price]));
  const priced = catalog.filter(({ name }) => prices.has(name));
  const book = priceByArea('unnamed', priced, ({ name }) => prices.get(name) ?? 0);
  // Of every price, those of drafts and of sizes included.
  const text = JSON.stringify(Object.entries(book.models).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...book, version: `context-${sha256Hex(text).slice(0, 12)}` };
}
