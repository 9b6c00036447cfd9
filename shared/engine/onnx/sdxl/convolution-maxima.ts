import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { concat } from '#shared/engine/onnx/ops/arrange.ts';
import { abs } from '#shared/engine/onnx/ops/elementwise.ts';
import { maximumOfChannels } from '#shared/engine/onnx/ops/network.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { plainTarget } from './cpu-target.ts';
import { layerOf } from './int8-target.ts';
import { NO_FOLDING } from './resnet.ts';
import { Scope } from './scope.ts';
import type { Target } from './target.ts';
import type { VaeConfig } from './vae-config.ts';
import { decode } from './vae-decoder.ts';
import { suitsWinograd } from './winograd.ts';

export interface ConvolutionMaxima {
  /** `x0` → `maxima` `[channels of all convolutions]`, the greatest magnitude in each. */
  readonly graph: Graph;
  /** The wide convolutions of normalised images and how many channels each puts out, in that order. */
  readonly layers: readonly { readonly name: string; readonly channels: number }[];
}

/**
 * A VAE decoder in float32 that puts out only how large its wide convolutions' outputs are; undefined
 * if it has none.
 */
export function convolutionMaxima(config: VaeConfig): ConvolutionMaxima | undefined {
  const layers: { name: string; channels: number }[] = [];
  let maxima: Var | undefined;
  const target: Target = {
    ...plainTarget,
    normConv(image, norm, scope, shape) {
      const value = plainTarget.normConv(image, norm, scope, shape);
      // Narrow ones are no faster in int8.
      if (!suitsWinograd(shape)) return value;
      const { inputs, outputs, kernel } = shape;
      layers.unshift({
        name: layerOf(scope.conv(inputs, outputs, kernel).weight),
        channels: outputs,
      });
      const largest = maximumOfChannels(abs(value));
      // Chained, as in `vaeMaxima`, so that no layer's output is kept to the end.
      maxima = maxima === undefined ? largest : concat([largest, maxima], 0);
      return value;
    },
  };
  const x0 = input('x0', 'FLOAT', ['batch', config.latent_channels, 'h', 'w']);
  decode(target, Scope.of('vae', 'FLOAT'), config, x0, NO_FOLDING);
  return maxima && { graph: buildGraph('maxima', [x0], { maxima }), layers };
}
