import { assert } from '#shared/core/errors.ts';
import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { concat } from '#shared/engine/onnx/ops/arrange.ts';
import { abs } from '#shared/engine/onnx/ops/elementwise.ts';
import { maximum } from '#shared/engine/onnx/ops/network.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { plainTarget } from './cpu-target.ts';
import { type Folding, NO_FOLDING } from './resnet.ts';
import { Scope } from './scope.ts';
import type { VaeConfig } from './vae-config.ts';
import { decode } from './vae-decoder.ts';

export interface VaeMaxima {
  /** `x0` → `maxima` `[values]`, the greatest magnitude of each value that folding divides. */
  readonly graph: Graph;
  /** Which exponent each of the values is divided by. */
  readonly exponents: readonly (keyof Folding)[];
}

/** A VAE decoder in float32 that puts out only how large its activations are. */
export function vaeMaxima(config: VaeConfig): VaeMaxima {
  const exponents: (keyof Folding)[] = [];
  let maxima: Var | undefined;
  const x0 = input('x0', 'FLOAT', ['batch', config.latent_channels, 'h', 'w']);
  decode(plainTarget, Scope.of('vae', 'FLOAT'), config, x0, NO_FOLDING, (exponent, value) => {
    exponents.unshift(exponent);
    const largest = maximum(abs(value));
    // Chained, the newest first: in this order ONNX Runtime computes each maximum as soon as it has
    // the value and can free it. Side by side, it would keep all values to the end.
    maxima = maxima === undefined ? largest : concat([largest, maxima], 0);
  });
  assert(maxima !== undefined, 'a decoder has activations');
  return { graph: buildGraph('maxima', [x0], { maxima }), exponents };
}
