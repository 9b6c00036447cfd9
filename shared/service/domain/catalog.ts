import type { ImageFormat } from '#shared/core/inference.ts';
import type { Recipe } from '#shared/core/recipe.ts';

/** A model on offer: what its package's manifest and the deployment's configuration say of it. */
export interface CatalogModel {
  /** `owner/name`, as clients order it. */
  readonly name: string;
  /** Digest of the model package, hex: the version of the model. */
  readonly digest: string;
  readonly description: string;
  readonly createdAt: number;
  readonly size: {
    readonly defaultWidth: number;
    readonly defaultHeight: number;
    /** Width and height must be multiples of this. */
    readonly multiple: number;
    readonly min: number;
    readonly max: number;
    readonly maxPixels: number;
  };
  /** How the model makes an image in one step. */
  readonly recipe: Recipe;
  /** Nouns, colours and places that a small model was trained on; absent if unknown. */
  readonly words?: readonly string[];
  /** Whether it has a smaller decoder for drafts. */
  readonly hasDrafts: boolean;
  readonly formats: readonly ImageFormat[];
  /** Most images of one job. */
  readonly maxOutputs: number;
  readonly licences: readonly {
    readonly part: string;
    readonly name: string;
    readonly url?: string | undefined;
  }[];
  /** What it runs on: `cpu`, `ml.g6e.xlarge`. */
  readonly hardware: string;
}

/** Names of other services' models, such as `gpt-image-1`, for models that are here. */
export type ModelAliases = Readonly<Record<string, string>>;

export interface Catalog {
  readonly models: readonly CatalogModel[];
  /** The other names that lead to a model. */
  readonly aliases: readonly { readonly alias: string; readonly model: CatalogModel }[];
  /** By `owner/name` or an alias. */
  find(name: string): CatalogModel | undefined;
  /** By `owner/name`, `owner/name:version`, a bare version (a digest) or an alias. */
  resolve(reference: string): CatalogModel | undefined;
}

/** The models on offer. The first is the default of dialects that need not name one. */
export function createCatalog(
  models: readonly CatalogModel[],
  aliases: ModelAliases = {},
): Catalog {
  const byName = new Map(models.map((model) => [model.name, model]));
  const others = Object.entries(aliases).flatMap(([alias, name]) => {
    const model = byName.get(name);
    return model === undefined || byName.has(alias) ? [] : [{ alias, model }];
  });
  const byAlias = new Map(others.map(({ alias, model }) => [alias, model]));
  return {
    models,
    aliases: others,
    find: (name) => byName.get(name) ?? byAlias.get(name),
    resolve(reference) {
      const other = byAlias.get(reference);
      if (other !== undefined) return other;
      const [name = '', version] = reference.split(':');
      const model = byName.get(name);
      if (model === undefined) return models.find(({ digest }) => digest === reference);
      return version === undefined || version === model.digest ? model : undefined;
    },
  };
}

/** SDXL's training sizes at 1024 pixels (the buckets of its paper, appendix I), by aspect ratio. */
const BUCKETS: Readonly<Record<string, readonly [number, number]>> = {
  '1:1': [1024, 1024],
  '16:9': [1344, 768],
  '9:16': [768, 1344],
  '3:2': [1216, 832],
  '2:3': [832, 1216],
  '4:3': [1152, 896],
  '3:4': [896, 1152],
  '21:9': [1536, 640],
  '9:21': [640, 1536],
};

/** Every `aspect_ratio` that the model takes, with its size in pixels. */
export function aspectSizes(
  size: CatalogModel['size'],
): Readonly<Record<string, { readonly width: number; readonly height: number }>> {
  const scale = Math.sqrt(size.defaultWidth * size.defaultHeight) / 1024;
  const scaled = (pixels: number) =>
    Math.max(size.multiple, Math.round((pixels * scale) / size.multiple) * size.multiple);
  return Object.fromEntries(
    Object.entries(BUCKETS)
      .map(
        ([ratio, [width, height]]) =>
          [ratio, { width: scaled(width), height: scaled(height) }] as const,
      )
      .filter(([, { width, height }]) => allowsSize(size, width, height)),
  );
}

/** Whether the model makes images of this size. */
export function allowsSize(size: CatalogModel['size'], width: number, height: number): boolean {
  const sides = [width, height];
  return (
    sides.every((side) => side % size.multiple === 0 && side >= size.min && side <= size.max) &&
    width * height <= size.maxPixels
  );
}

/**
 * The size that a model makes for one that a client has built in: the same if it can, otherwise the
 * one of those it was trained for whose shape is nearest.
 */
export function nearestSize(
  size: CatalogModel['size'],
  width: number,
  height: number,
): { readonly width: number; readonly height: number } {
  if (allowsSize(size, width, height)) return { width, height };
  const bend = (other: { readonly width: number; readonly height: number }) =>
    Math.abs(Math.log(other.width / other.height / (width / height)));
  const own = { width: size.defaultWidth, height: size.defaultHeight };
  return Object.values(aspectSizes(size)).reduce(
    (best, other) => (bend(other) < bend(best) ? other : best),
    own,
  );
}
