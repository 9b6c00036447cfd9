import { invalidInput } from '#functions/api/http/errors.ts';
import { defined } from '#shared/core/defined.ts';
import { type CatalogModel, nearestSize } from '#shared/service/domain/catalog.ts';
import type { Txt2Img } from './sdapi-schema.ts';

export interface SdapiInput {
  readonly input: Readonly<Record<string, unknown>>;
  /** What of the request has no effect, and what came in its place. */
  readonly warnings: readonly string[];
}

/**
 * A `txt2img` request as the model's own input. Clients of this dialect can't leave out what a
 * one-step model lacks, so that is told rather than refused.
 *
 * @throws AppError `invalid-input` for more images than one order may have
 */
export function toSdapiInput(order: Txt2Img, model: CatalogModel): SdapiInput {
  const { width = model.size.defaultWidth, height = model.size.defaultHeight } = defined({
    width: order.width ?? undefined,
    height: order.height ?? undefined,
  });
  const size = nearestSize(model.size, width, height);
  const count = (order.batch_size ?? 1) * (order.n_iter ?? 1);
  if (count > model.maxOutputs) {
    const message = `times n_iter is ${count}; one call makes ${model.maxOutputs} images at most`;
    throw invalidInput([{ path: 'batch_size', message }]);
  }
  return {
    input: {
      prompt: order.prompt,
      ...size,
      num_outputs: count,
      output_format: order.override_settings?.samples_format ?? 'png',
      ...defined({ seed: order.seed ?? undefined }),
    },
    warnings: warningsOf(order, size),
  };
}

function warningsOf(
  { width, height, negative_prompt, steps, cfg_scale, ...order }: Txt2Img,
  size: ReturnType<typeof nearestSize>,
): readonly string[] {
  const warnings: string[] = [];
  if ((width ?? size.width) !== size.width || (height ?? size.height) !== size.height) {
    warnings.push(
      `The model makes no ${width}x${height} images: these are ${size.width}x${size.height}.`,
    );
  }
  if (negative_prompt) warnings.push('negative_prompt has no effect: a one-step model has none.');
  if (steps !== undefined && steps !== null && steps !== 1) {
    warnings.push('steps has no effect: it is one step, always.');
  }
  if (cfg_scale !== undefined && cfg_scale !== null && cfg_scale > 1) {
    warnings.push('cfg_scale has no effect: a one-step model has no guidance.');
  }
  if (order['enable_hr'] === true) {
    warnings.push('enable_hr has no effect: there is no second pass.');
  }
  return warnings;
}
