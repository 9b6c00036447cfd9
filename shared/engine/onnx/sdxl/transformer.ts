import { multiHeadAttention } from '#shared/engine/onnx/ops/microsoft.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { Dialect, Unbiased } from './dialect.ts';
import type { Scope } from './scope.ts';

/** Of the transformer's group normalisation; fixed in diffusers, unlike the resnets' own. */
const GROUP_NORM_EPSILON = 1e-6;
const LAYER_NORM_EPSILON = 1e-5;
/** The feed-forward layer's width over the block's. */
const FEED_FORWARD_FACTOR = 4;

export interface TransformerOptions {
  readonly channels: number;
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  readonly contextChannels: number;
  readonly linearProjection: boolean;
}

/** diffusers' `Transformer2DModel`: the image's pixels as tokens that attend to each other and to the context. */
export function transformer(
  dialect: Dialect,
  scope: Scope,
  image: Var,
  context: Var,
  options: TransformerOptions,
): Var {
  const { channels, groups } = options;
  const normalized = dialect.groupNorm(image, scope.at('norm'), channels, {
    groups,
    epsilon: GROUP_NORM_EPSILON,
  });
  const weights = (name: string) => {
    const at = scope.at(name);
    return options.linearProjection
      ? at.linear(channels, channels)
      : at.pointwise(channels, channels);
  };
  const projected = dialect.linear(dialect.toTokens(normalized, channels), weights('proj_in'));
  const blocks = Array.from({ length: options.layers }, (_, layer) =>
    scope.at('transformer_blocks', layer),
  );
  const tokens = transformerBlocks(dialect, blocks, projected, context, options);
  const result = dialect.linear(tokens, weights('proj_out'));
  return dialect.sum(dialect.fromTokens(result, image), image);
}

/** `BasicTransformerBlock`s in a row; each residual is added where the next layer normalises it. */
function transformerBlocks(
  dialect: Dialect,
  blocks: readonly Scope[],
  tokens: Var,
  context: Var,
  options: TransformerOptions,
): Var {
  const { channels } = options;
  let sum = tokens;
  let pending: Unbiased | undefined;
  const normalize = (scope: Scope): Var => {
    const norm = scope.norm(channels);
    if (pending === undefined) return dialect.layerNorm(sum, norm, LAYER_NORM_EPSILON);
    const result = dialect.residualNorm(pending, sum, norm, LAYER_NORM_EPSILON);
    sum = result.sum;
    return result.normalized;
  };
  for (const block of blocks) {
    const first = normalize(block.at('norm1'));
    pending = attention(dialect, block.at('attn1'), first, first, channels, options);
    const second = normalize(block.at('norm2'));
    pending = attention(
      dialect,
      block.at('attn2'),
      second,
      context,
      options.contextChannels,
      options,
    );
    const third = normalize(block.at('norm3'));
    pending = feedForward(dialect, block.at('ff.net'), third, channels);
  }
  return pending === undefined ? sum : dialect.residual(pending, sum);
}

function attention(
  dialect: Dialect,
  scope: Scope,
  x: Var,
  context: Var,
  contextChannels: number,
  { channels, heads }: TransformerOptions,
): Unbiased {
  const query = dialect.project(x, scope.tensor('to_q.weight', [channels, channels]));
  const key = dialect.project(context, scope.tensor('to_k.weight', [channels, contextChannels]));
  const value = dialect.project(context, scope.tensor('to_v.weight', [channels, contextChannels]));
  const out = scope.at('to_out.0').linear(channels, channels);
  const attended = multiHeadAttention(query, key, value, { heads });
  return { product: dialect.project(attended, out.weight), bias: out.bias };
}

function feedForward(dialect: Dialect, scope: Scope, x: Var, channels: number): Unbiased {
  const inner = channels * FEED_FORWARD_FACTOR;
  const gated = dialect.geglu(x, scope.at('0.proj'), channels, inner);
  const out = scope.at('2').linear(inner, channels);
  return { product: dialect.project(gated, out.weight), bias: out.bias };
}
