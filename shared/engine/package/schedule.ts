import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { FormatError } from '#shared/core/errors.ts';
import { parseFields } from '#shared/engine/bytes/json.ts';
import type { DenoiseStep } from '#shared/engine/onnx/sdxl/unet.ts';

/** The timestep that DisBack and DMD2 distilled their one step for. */
export const ONE_STEP_TIMESTEP = 399;

/** What `LCMScheduler` takes from another scheduler's config, with its own defaults. */
const ScheduleSchema = z.object({
  num_train_timesteps: z.number().int().positive().max(1e6).default(1000),
  beta_start: z.number().positive().default(0.00085),
  beta_end: z.number().positive().default(0.012),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default('scaled_linear'),
  prediction_type: z.enum(['epsilon', 'sample', 'v_prediction']).default('epsilon'),
  trained_betas: z.null().optional(),
  rescale_betas_zero_snr: z.literal(false).optional(),
  clip_sample: z.boolean().default(false),
  clip_sample_range: z.number().positive().default(1),
  /** Below one, the scheduler would mix noisy latents into the clean ones. */
  timestep_scaling: z.number().min(1).optional(),
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
  const config = parseFields(ScheduleSchema, value, file, ' (nothing else is supported)');
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
    ...defined({ clip: config.clip_sample ? config.clip_sample_range : undefined }),
  };
}

/** ᾱ at a timestep: the product of 1 − β up to it, added up in double precision as torch does. */
function cumulativeAlpha(config: z.infer<typeof ScheduleSchema>, timestep: number): number {
  const betas = betasOf(config).subarray(0, timestep + 1);
  return Math.fround(betas.reduce((product, beta) => product * Math.fround(1 - beta), 1));
}

function betasOf(config: z.infer<typeof ScheduleSchema>): Float32Array {
  const { beta_schedule: kind, beta_start: start, beta_end: end } = config;
  const count = config.num_train_timesteps;
  if (kind === 'linear') return linspace(start, end, count);
  if (kind === 'scaled_linear') {
    return linspace(Math.sqrt(start), Math.sqrt(end), count).map((value) => value * value);
  }
  const alphaBar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float32Array.from({ length: count }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), MAX_COSINE_BETA),
  );
}

/** Where diffusers caps the cosine schedule, whose end would leave no signal at all. */
const MAX_COSINE_BETA = 0.999;

/** torch.linspace in float32: from both ends to the middle. */
function linspace(start: number, end: number, count: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround(Math.fround(last - first) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? first + Math.fround(step * i) : last - Math.fround(step * (count - 1 - i)),
  );
}
