import { z } from '@hono/zod-openapi';
import { invalidInput } from '#functions/api/http/errors.ts';
import { toFaults } from '#functions/api/http/input-faults.ts';
import { defined } from '#shared/core/defined.ts';
import { SeedWishSchema } from '#shared/core/inference.ts';
import { type CatalogModel, nearestSize } from '#shared/service/domain/catalog.ts';

/** fal's named sizes in pixels. */
const PRESETS = {
  square_hd: [1024, 1024],
  square: [512, 512],
  portrait_4_3: [768, 1024],
  portrait_16_9: [576, 1024],
  landscape_4_3: [1024, 768],
  landscape_16_9: [1024, 576],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

const PRESET_NAMES = Object.keys(PRESETS) as (keyof typeof PRESETS)[];

export const FalInputSchema = z
  .strictObject({
    prompt: z.string().min(1).max(10_000),
    image_size: z
      .union([
        z.strictObject({ width: z.number().int(), height: z.number().int() }),
        z.enum(PRESET_NAMES),
      ])
      .nullish(),
    num_images: z.number().int().min(1).max(4).nullish(),
    seed: SeedWishSchema.nullish(),
    num_inference_steps: z.number().int().min(1).max(1).nullish().describe('One step, always'),
    guidance_scale: z.number().int().min(0).max(1).nullish(),
    negative_prompt: z.literal('').nullish(),
    enable_safety_checker: z.boolean().nullish().describe('There is none'),
    output_format: z.enum(['png', 'jpeg', 'webp', 'jpg']).nullish(),
    sync_mode: z.boolean().nullish().describe('Answers with data URLs'),
  })
  .openapi('FalInput', { example: { prompt: 'a lighthouse at dusk', num_images: 2, seed: 7 } });

/**
 * fal's input as the model's own.
 *
 * @throws AppError `invalid-input` with the path of every fault
 */
export function parseFalInput(
  body: unknown,
  model: CatalogModel,
): Readonly<Record<string, unknown>> {
  const parsed = FalInputSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(toFaults(parsed.error.issues));
  const { prompt, image_size, num_images, seed, output_format } = parsed.data;
  return defined({
    prompt,
    ...sizeOf(image_size, model),
    num_outputs: num_images ?? undefined,
    seed: seed ?? undefined,
    output_format: output_format ?? undefined,
  });
}

/** A size in pixels is made or refused; for a name, the nearest size that the model makes will do. */
function sizeOf(
  size: z.infer<typeof FalInputSchema>['image_size'],
  model: CatalogModel,
): { readonly width?: number; readonly height?: number } {
  if (size === undefined || size === null) return {};
  if (typeof size === 'object') return size;
  const [width, height] = PRESETS[size];
  return nearestSize(model.size, width, height);
}
