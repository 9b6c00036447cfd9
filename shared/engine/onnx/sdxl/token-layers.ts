import { add, cast, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import { biasGelu, linearProduct, skipLayerNorm } from '#shared/engine/onnx/ops/microsoft.ts';
import { layerNorm } from '#shared/engine/onnx/ops/network.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { stored, storedRows } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { Target } from './target.ts';

type TokenLayers = Pick<
  Target,
  'parameter' | 'cast' | 'linear' | 'project' | 'layerNorm' | 'residualNorm' | 'residual' | 'geglu'
>;

/** The layers over tokens `[N, S, D]`, the same on every device but for the float type. */
export function tokenLayers(type: 'FLOAT' | 'FLOAT16'): TokenLayers {
  const parameter = (tensor: StoredTensor, shape?: readonly number[]): Var =>
    cast(stored(tensor, shape), type);
  return {
    parameter,
    cast: (x) => cast(x, type),
    linear: (x, { weight, bias }) => add(linearProduct(x, parameter(weight)), parameter(bias)),
    project: (x, weight) => linearProduct(x, parameter(weight)),
    layerNorm: (x, { weight, bias }, epsilon) =>
      layerNorm(x, parameter(weight), parameter(bias), epsilon),
    residualNorm: ({ product, bias }, skip, norm, epsilon) =>
      skipLayerNorm(
        product,
        skip,
        { scale: parameter(norm.weight), bias: parameter(norm.bias), epsilon },
        parameter(bias),
      ),
    residual: ({ product, bias }, skip) => add(add(product, parameter(bias)), skip),
    geglu(x, scope, inputs, outputs) {
      const { weight, bias } = scope.linear(inputs, 2 * outputs);
      const half = (start: number) => ({
        weight: cast(storedRows(weight, start, outputs), type),
        bias: cast(storedRows(bias, start, outputs), type),
      });
      const value = half(0);
      const gate = half(outputs);
      const gated = biasGelu(linearProduct(x, gate.weight), gate.bias);
      return mul(add(linearProduct(x, value.weight), value.bias), gated);
    },
  };
}
