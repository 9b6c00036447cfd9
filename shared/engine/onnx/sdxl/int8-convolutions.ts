import { integerConv, quantizedTogether } from '#shared/engine/onnx/ops/integer.ts';
import { joined, withNeighbours } from './bands.ts';
import { normalize } from './group-norm.ts';
import { int8Kernel } from './int8-kernel.ts';
import { layerOf } from './int8-target.ts';
import type { Target } from './target.ts';

/**
 * What convolutions put out, by the layer's name in the checkpoint: each channel is rounded to
 * multiples of 2 to this power.
 */
export type OutputExponents = ReadonlyMap<string, readonly number[]>;

/**
 * float32 on the CPU with some convolutions of normalised images in int8, which is faster than
 * Winograd's algorithm in float32 where there are instructions for it. Images that are in bands are
 * quantised band by band.
 *
 * @param target the other layers
 * @param exponents names the convolutions
 */
export const withInt8Convolutions = (target: Target, exponents: OutputExponents): Target => ({
  ...target,
  normConv(image, norm, scope, shape) {
    const { inputs, outputs, kernel } = shape;
    const { weight, bias } = scope.conv(inputs, outputs, kernel);
    const chosen = exponents.get(layerOf(weight));
    if (chosen === undefined) return target.normConv(image, norm, scope, shape);
    const { plain, finish } = normalize(image, norm.scope, inputs, norm.options);
    const weights = int8Kernel(weight, chosen);
    const side = (kernel - 1) / 2;
    const bands = withNeighbours(plain).map(({ rows, isFirst, isLast }) =>
      integerConv(quantizedTogether(finish(rows)), weights, target.parameter(bias), {
        top: isFirst ? side : 0,
        bottom: isLast ? side : 0,
        left: side,
        right: side,
      }),
    );
    return joined(bands, image.shape.with(1, outputs));
  },
});
