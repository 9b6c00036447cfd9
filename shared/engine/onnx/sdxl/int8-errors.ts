import { assert } from '#shared/core/errors.ts';
import { concat } from '#shared/engine/onnx/ops/arrange.ts';
import { div, mul, sub } from '#shared/engine/onnx/ops/elementwise.ts';
import { sum } from '#shared/engine/onnx/ops/network.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { DenoiseStep } from './denoise.ts';
import { type ModelGraph, unetGraph } from './graphs.ts';
import { int8Target } from './int8-target.ts';
import type { UnetConfig } from './unet-config.ts';

export interface Int8Errors extends ModelGraph {
  /** The layers, in the order of the output `errors`. */
  readonly layers: readonly string[];
}

/**
 * A UNet in float32 that also computes each linear layer in int8, from exact inputs, and puts out
 * `errors` `[layers]`: the squared difference as a share of the squared output.
 */
export function int8Errors(
  config: UnetConfig,
  pooledChannels: number,
  step: DenoiseStep,
): Int8Errors {
  const layers: string[] = [];
  let errors: Var | undefined;
  const target = int8Target({
    kept: new Set(),
    watch({ name, exact, quantized }) {
      layers.unshift(name);
      const difference = sub(quantized, exact);
      const error = div(sum(mul(difference, difference)), sum(mul(exact, exact)));
      // Chained, as in `vaeMaxima`, so that no layer's output is kept to the end.
      errors = errors === undefined ? error : concat([error, errors], 0);
    },
  });
  const made = unetGraph(target, 'FLOAT', config, pooledChannels, step, () => {
    assert(errors !== undefined, 'a UNet has linear layers');
    return { errors };
  });
  return { ...made, layers };
}
