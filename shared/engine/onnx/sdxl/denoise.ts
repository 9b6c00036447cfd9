import { assert } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { add, clip, div, mul, sub } from '#shared/engine/onnx/ops/elementwise.ts';
import { dimAt } from '#shared/engine/onnx/shape.ts';
import type { Var } from '#shared/engine/onnx/value.ts';

/** √ᾱ and √(1−ᾱ) at a timestep: the shares of signal and noise. */
export interface Noise {
  readonly sqrtAlpha: number;
  readonly sqrtOneMinusAlpha: number;
}

/** How a model's output and its noisy input yield the clean latents. */
export interface DenoiseStep extends Noise, Omit<Recipe, 'name'> {
  /** LCM: clean latents are kept within ± this. */
  readonly clip?: number;
  /** LCM: how much of the noisy and of the clean latents the result has, unless that is 0 and 1. */
  readonly boundary?: { readonly skip: number; readonly out: number };
  /** TCD: the noise level that its last step ends at. */
  readonly last?: Noise;
}

/** The network's input and the latents that the step starts from. */
export interface NoisyLatents {
  readonly start: Var;
  readonly networkInput: Var;
}

/** Standard normal noise as the scheduler scales it; Euler's latents have a deviation of σ. */
export function noisyLatents(noise: Var, step: DenoiseStep): NoisyLatents {
  if (step.scheduler !== 'euler') return { start: noise, networkInput: noise };
  const sigma = sigmaOf(step);
  const start = mul(noise, floats(sigma));
  return { start, networkInput: div(start, floats(Math.sqrt(sigma ** 2 + 1))) };
}

const sigmaOf = ({ sqrtAlpha, sqrtOneMinusAlpha }: Noise): number =>
  Math.fround(sqrtOneMinusAlpha / sqrtAlpha);

/** diffusers' `step` of the recipe's scheduler, the only and so the last one: no noise is added. */
export function denoise(start: Var, output: Var, step: DenoiseStep): Var {
  assert(dimAt(start.shape, 1) === dimAt(output.shape, 1), 'latents and output are alike');
  if (step.scheduler === 'euler') return eulerStep(start, output, step);
  const clean = cleanLatents(start, output, step);
  if (step.last !== undefined) {
    const { sqrtAlpha, sqrtOneMinusAlpha } = step.last;
    const noise = predictedNoise(start, output, step);
    return add(mul(clean, floats(sqrtAlpha)), mul(noise, floats(sqrtOneMinusAlpha)));
  }
  const clipped = step.clip === undefined ? clean : clip(clean, -step.clip, step.clip);
  if (step.boundary === undefined) return clipped;
  const { skip, out } = step.boundary;
  return add(mul(clipped, floats(out)), mul(start, floats(skip)));
}

/** From σ to 0, which ends at the clean latents. */
function eulerStep(start: Var, output: Var, step: DenoiseStep): Var {
  const sigma = sigmaOf(step);
  const variance = sigma ** 2 + 1;
  switch (step.prediction) {
    case 'sample':
      return copyOf(output);
    case 'epsilon':
      return sub(start, mul(output, floats(sigma)));
    case 'v_prediction':
      return add(mul(output, floats(-sigma / Math.sqrt(variance))), div(start, floats(variance)));
  }
}

function cleanLatents(start: Var, output: Var, step: DenoiseStep): Var {
  const [signal, noise] = [floats(step.sqrtAlpha), floats(step.sqrtOneMinusAlpha)];
  if (step.prediction === 'sample') return copyOf(output);
  if (step.prediction === 'epsilon') return div(sub(start, mul(output, noise)), signal);
  return sub(mul(start, signal), mul(output, noise));
}

function predictedNoise(start: Var, output: Var, step: DenoiseStep): Var {
  const [signal, noise] = [floats(step.sqrtAlpha), floats(step.sqrtOneMinusAlpha)];
  if (step.prediction === 'epsilon') return output;
  if (step.prediction === 'sample') return div(sub(start, mul(output, signal)), noise);
  return add(mul(output, signal), mul(start, noise));
}

/** The same value as a node of its own, which can be a graph's output. */
const copyOf = (output: Var): Var => add(output, floats(0));
