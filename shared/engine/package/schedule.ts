import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { PREDICTIONS, type Recipe } from '#shared/core/recipe.ts';
import { parseFields } from '#shared/engine/bytes/json.ts';
import type { DenoiseStep, Noise } from '#shared/engine/onnx/sdxl/denoise.ts';

/** diffusers' schedulers that are trained on noise of DDPM's betas. */
const DDPM_FAMILY =
  /^(DDPM|DDPMParallel|DDIM|DDIMParallel|PNDM|LMSDiscrete|EulerDiscrete|EulerAncestralDiscrete|HeunDiscrete|DPMSolverMultistep|DPMSolverSinglestep|DPMSolverSDE|KDPM2Discrete|KDPM2AncestralDiscrete|UniPCMultistep|DEISMultistep|SASolver|IPNDM|LCM|TCD)Scheduler$/;
/** LCM's `sigma_data`. */
const SIGMA_DATA = 0.5;

/** What diffusers' schedulers take from another one's config; LCM's defaults. */
const ScheduleSchema = z.object({
  num_train_timesteps: z.number().int().positive().max(1e6).default(1000),
  beta_start: z.number().positive().default(0.00085),
  beta_end: z.number().positive().default(0.012),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default('scaled_linear'),
  trained_betas: z.null().optional(),
  rescale_betas_zero_snr: z.literal(false).optional(),
  clip_sample: z.boolean().default(false),
  clip_sample_range: z.number().positive().default(1),
  timestep_scaling: z.number().positive().default(10),
  thresholding: z.literal(false).optional(),
  // Schedulers of other families share these betas' names and mean something else.
  _class_name: z.string().regex(DDPM_FAMILY, 'is not of the DDPM family').optional(),
  use_flow_sigmas: z.literal(false).optional(),
  // Continuous ones are EDM's, under the name of a DDPM scheduler.
  timestep_type: z.literal('discrete').optional(),
  prediction_type: z.enum(PREDICTIONS).optional(),
});

/**
 * The constants of a recipe's one step, from a repository's `scheduler_config.json`, in float32 as torch
 * has them. The recipe overrides class, spacing and prediction.
 *
 * @throws FormatError naming the field that is wrong or not supported
 * @throws AppError `invalid-request` for a timestep that is not on the schedule
 */
export function readSchedule(value: unknown, file: string, recipe: Recipe): DenoiseStep {
  const config = parseFields(ScheduleSchema, value, file, ' (nothing else is supported)');
  const { scheduler, timestep, prediction } = recipe;
  if (timestep >= config.num_train_timesteps) {
    const last = config.num_train_timesteps - 1;
    throw new AppError(
      'invalid-request',
      `Timestep ${timestep} of the recipe (--timestep or --recipe): ${file} knows 0 to ${last}, by its "num_train_timesteps".`,
    );
  }
  const noise = noiseAt(config, timestep);
  const clips = scheduler === 'lcm' && config.clip_sample;
  return {
    scheduler,
    timestep,
    prediction,
    ...noise,
    ...defined({
      clip: clips ? config.clip_sample_range : undefined,
      boundary: scheduler === 'lcm' ? boundaryAt(timestep * config.timestep_scaling) : undefined,
      last: scheduler === 'tcd' ? noiseAt(config, 0) : undefined,
    }),
  };
}

function noiseAt(config: z.infer<typeof ScheduleSchema>, timestep: number): Noise {
  const alpha = cumulativeAlpha(config, timestep);
  return {
    sqrtAlpha: Math.fround(Math.sqrt(alpha)),
    sqrtOneMinusAlpha: Math.fround(Math.sqrt(Math.fround(1 - alpha))),
  };
}

/** LCM's boundary condition; undefined if it leaves the clean latents as they are. */
function boundaryAt(scaled: number): DenoiseStep['boundary'] {
  const variance = scaled ** 2 + SIGMA_DATA ** 2;
  const out = Math.fround(scaled / Math.sqrt(variance));
  return out === 1 ? undefined : { skip: Math.fround(SIGMA_DATA ** 2 / variance), out };
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
