import { z } from 'zod';
import { FormatError } from '#shared/core/errors.ts';
import type { DenoiseStep } from '#shared/onnx/sdxl/unet.ts';

/** The timestep that DisBack and DMD2 distilled their one step for. */
export const ONE_STEP_TIMESTEP = 399;

/** What `LCMScheduler` takes over from another scheduler's config, with its own defaults. */
const ScheduleSchema = z.object({
  num_train_timesteps: z.number().int().positive().default(1000),
  beta_start: z.number().positive().default(0.00085),
  beta_end: z.number().positive().default(0.012),
  beta_schedule: z.enum(['linear', 'scaled_linear']).default('scaled_linear'),
  prediction_type: z.enum(['epsilon', 'sample', 'v_prediction']).default('epsilon'),
  trained_betas: z.null().optional(),
  rescale_betas_zero_snr: z.literal(false).optional(),
  clip_sample: z.literal(false).optional(),
  thresholding: z.literal(false).optional(),
});

/**
 * The constants of one LCM step at a timestep, from a repository's `scheduler_config.json`, in
 * float32 as torch has them.
 *
 * @throws FormatError naming the field that is wrong or not supported
 */
export function readSchedule(
  value: unknown,
  file: string,
  timestep = ONE_STEP_TIMESTEP,
): DenoiseStep {
  const parsed = ScheduleSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError(file, `"${issue?.path.join('.')}" is not supported: ${issue?.message}`);
  }
  const config = parsed.data;
  if (timestep >= config.num_train_timesteps) {
    throw new FormatError(
      file,
      `"num_train_timesteps": ${config.num_train_timesteps} must be greater than ${timestep}`,
    );
  }
  const alpha = cumulativeAlpha(config, timestep);
  return {
    timestep,
    sqrtAlpha: Math.fround(Math.sqrt(alpha)),
    sqrtOneMinusAlpha: Math.fround(Math.sqrt(Math.fround(1 - alpha))),
    prediction: config.prediction_type,
  };
}

/** ᾱ at a timestep: the product of 1 − β up to it, added up in double precision as torch does. */
function cumulativeAlpha(config: z.infer<typeof ScheduleSchema>, timestep: number): number {
  const scaled = config.beta_schedule === 'scaled_linear';
  const start = scaled ? Math.sqrt(config.beta_start) : config.beta_start;
  const end = scaled ? Math.sqrt(config.beta_end) : config.beta_end;
  const values = linspace(start, end, config.num_train_timesteps);
  let product = 1;
  for (const value of values.subarray(0, timestep + 1)) {
    const beta = scaled ? Math.fround(value * value) : value;
    product *= Math.fround(1 - beta);
  }
  return Math.fround(product);
}

/** torch.linspace in float32: from both ends to the middle. */
function linspace(start: number, end: number, count: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround(Math.fround(last - first) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? first + Math.fround(step * i) : last - Math.fround(step * (count - 1 - i)),
  );
}
