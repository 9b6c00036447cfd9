import { type CatalogModel, nearestSize } from '#shared/service/domain/catalog.ts';

/** Sizes of OpenAI's own models, which programs have built in. */
const OPENAI_SIZES = new Set([
  '256x256',
  '512x512',
  '1024x1024',
  '1536x1024',
  '1024x1536',
  '1792x1024',
  '1024x1792',
]);

export interface OpenAiSize {
  /** `WIDTHxHEIGHT`; undefined: the model's own. */
  readonly pixels: string | undefined;
  readonly warnings: readonly string[];
}

/**
 * The size that an order of OpenAI's API gets. One of OpenAI's own becomes the nearest that the model
 * makes; any other is left as it is, to be made or refused.
 */
export function openAiSize(asked: string | null | undefined, model: CatalogModel): OpenAiSize {
  if (asked === undefined || asked === null || asked === 'auto') {
    return { pixels: undefined, warnings: [] };
  }
  if (!OPENAI_SIZES.has(asked)) return { pixels: asked, warnings: [] };
  const [width = 0, height = 0] = asked.split('x').map(Number);
  const { width: made, height: high } = nearestSize(model.size, width, height);
  const pixels = `${made}x${high}`;
  const warnings =
    pixels === asked ? [] : [`${model.name} makes no ${asked} images: these are ${pixels}.`];
  return { pixels, warnings };
}
