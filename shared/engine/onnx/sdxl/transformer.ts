import { multiHeadAttention } from '#shared/engine/onnx/ops/microsoft.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { Scope } from './scope.ts';
import type { Target, Unbiased } from './target.ts';

/** Of the transformer's group normalisation; fixed in diffusers, unlike the resnets'. */
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
  target: Target,
  scope: Scope,
  image: Var,
  context: Var,
  options: TransformerOptions,
): Var {
  const { channels, groups } = options;
  const normalized = target.groupNorm(image, scope.at('norm'), channels, {
    groups,
    epsilon: GROUP_NORM_EPSILON,
  });
  const weights = (name: string) => {
    const at = scope.at(name);
    return options.linearProjection
      ? at.linear(channels, channels)
      : at.pointwise(channels, channels);
  };
  const projected = target.linear(target.toTokens(normalized, channels), weights('proj_in'));
  const blocks = Array.from({ length: options.layers }, (_, layer) =>
    scope.at('transformer_blocks', layer),
  );
  const tokens = transformerBlocks(target, blocks, projected, context, options);
  const result = target.linear(tokens, weights('proj_out'));
  return target.sum(target.fromTokens(result, image), image);
}

/** `BasicTransformerBlock`s in a row; each residual is added where the next layer normalises it. */
function transformerBlocks(
  target: Target,
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
    if (pending === undefined) return target.layerNorm(sum, norm, LAYER_NORM_EPSILON);
    const result = target.residualNorm(pending, sum, norm, LAYER_NORM_EPSILON);
    sum = result.sum;
    return result.normalized;
  };
  for (const block of blocks) {
    const first = normalize(block.at('norm1'));
    pending = attention(target, block.at('attn1'), first, first, channels, options);
    const second = normalize(block.at('norm2'));
    pending = attention(
      target,
      block.at('attn2'),
      second,
      context,
      options.contextChannels,
      options,
    );
    const third = normalize(block.at('norm3'));
    pending = feedForward(target, block.at('ff.net'), third, channels);
  }
  return pending === undefined ? sum : target.residual(pending, sum);
}

function attention(
  target: Target,
  scope: Scope,
  x: Var,
  context: Var,
  contextChannels: number,
  { channels, heads }: TransformerOptions,
): Unbiased {
  const query = target.project(x, scope.tensor('to_q.weight', [channels, channels]));
  const key = target.project(context, scope.tensor('to_k.weight', [channels, contextChannels]));
  const value = target.project(context, scope.tensor('to_v.weight', [channels, contextChannels]));
  const out = scope.at('to_out.0').linear(channels, channels);
  const attended = multiHeadAttention(query, key, value, { heads });
  return { product: target.project(attended, out.weight), bias: out.bias };
}

function feedForward(target: Target, scope: Scope, x: Var, channels: number): Unbiased {
  const inner = channels * FEED_FORWARD_FACTOR;
  const gated = target.geglu(x, scope.at('0.proj'), channels, inner);
  const out = scope.at('2').linear(inner, channels);
  return { product: target.project(gated, out.weight), bias: out.bias };
}
