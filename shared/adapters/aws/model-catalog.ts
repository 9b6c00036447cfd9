import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';
import { IMAGE_FORMATS } from '#shared/core/inference.ts';
import type { CatalogModel } from '#shared/domain/catalog.ts';
import { withLicenceLinks } from '#shared/domain/licence-links.ts';
import type { PriceBook } from '#shared/domain/pricing.ts';
import type { DeployedModel } from './environment.ts';

/** What the catalogue needs of a package's manifest. */
const ManifestSchema = z.object({
  digest: z.string(),
  size: z.object({
    defaultWidth: z.number().int().positive(),
    defaultHeight: z.number().int().positive(),
    multiple: z.number().int().positive(),
  }),
  licences: z.array(z.object({ part: z.string(), name: z.string(), url: z.string().optional() })),
});

const MAX_OUTPUTS = 4;
/** Of the area that the model was trained for. */
const LARGEST_AREA = 1.5;

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
  return toCatalogModel(model, manifest.data, createdAt);
}

function toCatalogModel(
  model: DeployedModel,
  manifest: z.infer<typeof ManifestSchema>,
  createdAt: number,
): CatalogModel {
  const { defaultWidth, defaultHeight, multiple } = manifest.size;
  const longest = Math.max(defaultWidth, defaultHeight);
  return {
    name: model.name,
    digest: model.digest,
    description: 'SDXL in one denoising step.',
    createdAt,
    size: {
      defaultWidth,
      defaultHeight,
      multiple,
      min: Math.ceil(longest / 4 / multiple) * multiple,
      max: longest * 2,
      maxPixels: defaultWidth * defaultHeight * LARGEST_AREA,
    },
    formats: IMAGE_FORMATS,
    maxOutputs: MAX_OUTPUTS,
    licences: withLicenceLinks(manifest.licences),
    hardware: 'sagemaker-async',
  };
}

/**
 * The deployment's prices: the one that the context gives is for images of the size that the model was
 * trained for, larger ones cost in proportion to the largest area.
 */
export function deployedPrices(
  models: readonly DeployedModel[],
  catalog: readonly CatalogModel[],
): PriceBook {
  const classes = models.flatMap((model) => {
    const size = catalog.find(({ name }) => name === model.name)?.size;
    if (size === undefined) return [];
    const standard = size.defaultWidth * size.defaultHeight;
    return [
      [
        model.name,
        [
          { name: 'standard', maxPixels: standard, perImage: model.price },
          {
            name: 'large',
            maxPixels: size.maxPixels,
            perImage: Math.ceil(model.price * LARGEST_AREA),
          },
        ],
      ] as const,
    ];
  });
  const version = models.map(({ name, price }) => `${name.split('/').at(-1)}-${price}`).join('+');
  return {
    version: version.slice(0, 64),
    models: Object.fromEntries(classes.map(([name, list]) => [name, [...list]])),
  };
}
