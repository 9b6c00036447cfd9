import { z } from 'zod';
import { invalidInput } from '#functions/api/http/errors.ts';
import { toFaults } from '#functions/api/http/input-faults.ts';
import { defined } from '#shared/core/defined.ts';
import { IMAGE_FORMATS, SeedWishSchema } from '#shared/core/inference.ts';
import type { Order } from '#shared/service/domain/admission.ts';
import { allowsSize, aspectSizes, type CatalogModel } from '#shared/service/domain/catalog.ts';

const DEFAULT_QUALITY = 90;

function createImageInputSchema({ size, formats, maxOutputs, hasDrafts }: CatalogModel) {
  const side = (fallback: number) =>
    z
      .number()
      .int()
      .min(size.min)
      .max(size.max)
      .multipleOf(size.multiple)
      .optional()
      .describe(`Pixels, a multiple of ${size.multiple}; default ${fallback}`);
  const schema = z.strictObject({
    prompt: z.string().min(1).max(10_000).describe('What the image shows'),
    seed: SeedWishSchema.nullish().describe(
      'The same seed gives the same image; drawn when absent or -1',
    ),
    width: side(size.defaultWidth),
    height: side(size.defaultHeight),
    size: z
      .string()
      .regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, 'must be WIDTHxHEIGHT, such as 1024x1024')
      .optional()
      .describe('Width and height in one: "WIDTHxHEIGHT"'),
    aspect_ratio: z
      .enum(Object.keys(aspectSizes(size)) as [string, ...string[]])
      .nullish()
      .describe('One of the sizes that the model was trained for'),
    num_outputs: z.number().int().min(1).max(maxOutputs).default(1).describe('How many images'),
    output_format: z
      .enum(IMAGE_FORMATS.filter((format) => formats.includes(format)))
      .default(formats[0] ?? 'png'),
    output_quality: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(DEFAULT_QUALITY)
      .describe('Of jpeg and webp; png is lossless'),
    decoder: z
      .literal('draft')
      .nullish()
      .describe('By the smaller decoder: sooner, cheaper and less sharp'),
    negative_prompt: z.literal('').nullish().describe('A one-step model has none'),
    guidance_scale: z.literal([0, 1]).nullish().describe('A one-step model has no guidance'),
    num_inference_steps: z.literal(1).nullish().describe('One step, always'),
  });
  // To a model without drafts the name is as unknown as any other.
  return hasDrafts ? schema : (schema.omit({ decoder: true }) as typeof schema);
}

export type ImageInputSchema = ReturnType<typeof createImageInputSchema>;

/** Building a schema takes as long as a dozen requests: once for each model. */
const schemas = new WeakMap<CatalogModel, ImageInputSchema>();

/** What a model takes as `input`: strict, so that a mistyped name is an error rather than ignored. */
export function imageInputSchema(model: CatalogModel): ImageInputSchema {
  const known = schemas.get(model);
  if (known !== undefined) return known;
  const schema = createImageInputSchema(model);
  schemas.set(model, schema);
  return schema;
}

export interface ParsedInput {
  readonly input: Order['input'];
  readonly requestInput: Readonly<Record<string, unknown>>;
}

/**
 * Checks an `input` and fills in every default but the seed.
 *
 * @throws AppError `invalid-input` with the path of every fault under `input.`
 */
export function parseImageInput(
  schema: ImageInputSchema,
  model: CatalogModel,
  raw: Readonly<Record<string, unknown>>,
  prefix: readonly string[] = ['input'],
): ParsedInput {
  const parsed = schema.safeParse(readable(raw));
  if (!parsed.success)
    throw invalidInput(toFaults(parsed.error.issues, prefix, Object.keys(schema.shape)));
  const { prompt, seed, num_outputs, output_format, output_quality, decoder } = parsed.data;
  const { width, height } = resolveSize(parsed.data, model, prefix);
  return {
    input: {
      prompt,
      ...defined({ seed: seed === -1 ? undefined : (seed ?? undefined) }),
      width,
      height,
      num_outputs,
      output_format,
      output_quality,
      ...defined({ decoder: decoder ?? undefined }),
    },
    requestInput: raw,
  };
}

/** As clients write it: null for what is left out, and the other name of a format. */
function readable(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { output_format: format } = raw;
  const isRead = format !== 'jpg' && !Object.values(raw).includes(null);
  if (isRead) return raw;
  const given = Object.entries(raw).filter(([, value]) => value !== null);
  const read = Object.fromEntries(given);
  return format === 'jpg' ? { ...read, output_format: 'jpeg' } : read;
}

type SizeWishes = Pick<z.infer<ImageInputSchema>, 'width' | 'height' | 'size' | 'aspect_ratio'>;

interface Wish {
  readonly name: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** The one size that all members of an input agree on. */
function resolveSize(
  input: SizeWishes,
  { size, name }: CatalogModel,
  prefix: readonly string[],
): { readonly width: number; readonly height: number } {
  if ((input.size ?? input.aspect_ratio ?? input.width ?? input.height ?? null) === null) {
    return { width: size.defaultWidth, height: size.defaultHeight };
  }
  const fail = (field: string, message: string) =>
    invalidInput([{ path: [...prefix, field].join('.'), message }]);
  const wishes: Wish[] = [];
  if (input.size !== undefined) {
    const [width, height] = input.size.split('x').map(Number);
    wishes.push({ name: 'size', width, height });
  }
  if (input.aspect_ratio !== undefined && input.aspect_ratio !== null) {
    wishes.push({ name: 'aspect_ratio', ...aspectSizes(size)[input.aspect_ratio] });
  }
  if (input.width !== undefined) wishes.push({ name: 'width', width: input.width });
  if (input.height !== undefined) wishes.push({ name: 'height', height: input.height });
  const width = wishes.find((wish) => wish.width !== undefined)?.width ?? size.defaultWidth;
  const height = wishes.find((wish) => wish.height !== undefined)?.height ?? size.defaultHeight;
  for (const wish of wishes) {
    if ((wish.width ?? width) !== width || (wish.height ?? height) !== height) {
      throw fail(wish.name, `disagrees with ${wishes[0]?.name}, which says ${width}x${height}`);
    }
  }
  if (!allowsSize(size, width, height)) {
    throw fail(
      wishes[0]?.name ?? 'size',
      `${name} makes no ${width}x${height} images: sides are multiples of ${size.multiple} from ${size.min} to ${size.max}, ${size.maxPixels} pixels at most`,
    );
  }
  return { width, height };
}
