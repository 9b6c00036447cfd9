import { assert } from '#shared/core/errors.ts';
import { mul } from '#shared/engine/onnx/ops/elementwise.ts';
import {
  integerProduct,
  quantizedByRow,
  quantizedTogether,
  quantizedTwice,
} from '#shared/engine/onnx/ops/integer.ts';
import { biasGelu } from '#shared/engine/onnx/ops/microsoft.ts';
import { sumOfParts } from '#shared/engine/onnx/ops/network.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { storedRows } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { cpuTarget } from './cpu-target.ts';
import { int8Weight } from './int8-weight.ts';
import type { Target } from './target.ts';

/** A linear layer's output by floats and by whole numbers. */
export interface WatchedLayer {
  /** The layer's name in the checkpoint. */
  readonly name: string;
  readonly exact: Var;
  readonly quantized: Var;
}

export interface Int8Options {
  /** Names of layers that stay float32. */
  readonly kept: ReadonlySet<string>;
  /** Given what each layer puts out; the graph goes on with the exact value. */
  readonly watch?: (layer: WatchedLayer) => void;
}

/** These run once for an image, or are constants: whole numbers would save nothing. */
const ONCE = /^(time|add)_embedding\./;

/** Layers whose inputs have rows that are much larger than the others: each gets a scale of its own. */
const BY_ROW = /\.(ff\.net\.2|proj_in|proj_out)$/;

/** Layers that read the text: the start mark's values are huge, and there are few rows. */
const OF_TEXT = /\.attn2\.to_[kv]$/;

/**
 * float32 on the CPU with linear layers in int8: weights with a scale for each output, what they are
 * multiplied with quantised on the way. Most of that has one scale for the whole tensor, so that the
 * images of a batch would change each other: a graph of this target draws one at a time.
 */
export function int8Target({ kept, watch }: Int8Options): Target {
  const together = remembered(quantizedTogether);
  const byRow = remembered(quantizedByRow);
  const twice = remembered(quantizedTwice);
  const product = (x: Var, weight: StoredTensor, bias?: Var): Var => {
    const [only] = int8Weight(weight);
    assert(only !== undefined, 'a weight has a group');
    const name = layerOf(weight);
    if (OF_TEXT.test(name)) return sumOfParts(integerProduct(twice(x), only));
    return integerProduct((BY_ROW.test(name) ? byRow : together)(x), only, bias);
  };
  const choose = (weight: StoredTensor, exact: () => Var, byIntegers: () => Var): Var => {
    const name = layerOf(weight);
    if (kept.has(name) || ONCE.test(name)) return exact();
    if (watch === undefined) return byIntegers();
    const layer = { name, exact: exact(), quantized: byIntegers() };
    watch(layer);
    return layer.exact;
  };
  const { parameter } = cpuTarget;
  return {
    ...cpuTarget,
    linear: (x, weights) =>
      choose(
        weights.weight,
        () => cpuTarget.linear(x, weights),
        () => product(x, weights.weight, parameter(weights.bias)),
      ),
    project: (x, weight) =>
      choose(
        weight,
        () => cpuTarget.project(x, weight),
        () => product(x, weight),
      ),
    geglu(x, scope, inputs, outputs) {
      const { weight, bias } = scope.linear(inputs, 2 * outputs);
      return choose(
        weight,
        () => cpuTarget.geglu(x, scope, inputs, outputs),
        () => {
          const [value, gate] = int8Weight(weight, 2);
          assert(value !== undefined && gate !== undefined, 'a weight of two halves');
          const bytes = together(x);
          const gated = biasGelu(integerProduct(bytes, gate), storedRows(bias, outputs, outputs));
          return mul(integerProduct(bytes, value, storedRows(bias, 0, outputs)), gated);
        },
      );
    },
  };
}

/** The name of a weight's layer. */
export const layerOf = ({ source }: StoredTensor): string => source.name.replace(/\.weight$/, '');

/** The same for the same value: query, key and value have one input. */
function remembered<Result>(quantize: (x: Var) => Result): (x: Var) => Result {
  const known = new WeakMap<Var, Result>();
  return (x) => {
    const quantized = known.get(x) ?? quantize(x);
    known.set(x, quantized);
    return quantized;
  };
}
