import { assert } from '#shared/core/errors.ts';
import { dimAt } from '#shared/engine/onnx/shape.ts';
import { makeNode, makeOp, type OutputType, type Var } from '#shared/engine/onnx/value.ts';

/**
 * Operators of onnxruntime's own domain that both its CPU and its CUDA provider run:
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
export const MICROSOFT = 'com.microsoft';

/** `[…, in]` times the transpose of `[out, in]`, the layout of torch's linear layers. */
export function linearProduct(x: Var, weight: Var): Var {
  assert(
    dimAt(x.shape, -1) === dimAt(weight.shape, 1),
    `[${x.shape.join(', ')}] times the transpose of [${weight.shape.join(', ')}]`,
  );
  const shape = [...x.shape.slice(0, -1), dimAt(weight.shape, 0)];
  return makeOp('FusedMatMul', [x, weight], { type: x.type, shape }, { transB: 1n }, MICROSOFT);
}

export interface AttentionOptions {
  readonly heads: number;
  /** Each position sees itself and those before it. */
  readonly causal?: boolean;
}

/** Scaled dot-product attention over `[N, S, D]` query and `[N, L, D]` key and value. */
export function multiHeadAttention(
  query: Var,
  key: Var,
  value: Var,
  { heads, causal = false }: AttentionOptions,
): Var {
  const shape = query.shape.with(-1, dimAt(value.shape, -1));
  return makeOp(
    'MultiHeadAttention',
    [query, key, value],
    { type: query.type, shape },
    { num_heads: BigInt(heads), ...(causal ? { unidirectional: 1n } : {}) },
    MICROSOFT,
  );
}

/** x·sigmoid(alpha·x): SiLU for alpha 1, CLIP's quick GELU for alpha 1.702. */
export const quickGelu = (x: Var, alpha: number): Var =>
  makeOp('QuickGelu', [x], x, { alpha }, MICROSOFT);

/** GELU with the error function of x plus a bias `[D]`. */
export const biasGelu = (x: Var, bias: Var): Var => makeOp('BiasGelu', [x, bias], x, {}, MICROSOFT);

/** `sum` = x + skip + bias, and its layer normalisation. */
export function skipLayerNorm(
  x: Var,
  skip: Var,
  norm: { scale: Var; bias: Var; epsilon: number },
  bias: Var,
): { normalized: Var; sum: Var } {
  const statistic: OutputType = { type: 'FLOAT', shape: x.shape.with(-1, 1) };
  const [normalized, , , sum] = makeNode(
    {
      domain: MICROSOFT,
      opType: 'SkipLayerNormalization',
      inputs: [x, skip, norm.scale, norm.bias, bias],
      attributes: { epsilon: norm.epsilon },
    },
    [x, statistic, statistic, x],
  );
  assert(normalized !== undefined && sum !== undefined, 'SkipLayerNormalization has four outputs');
  return { normalized, sum };
}
