import { int32s } from '#shared/engine/onnx/constant.ts';
import { gatherPerRow, gatherRows } from '#shared/engine/onnx/ops/arrange.ts';
import { add, cast, equal } from '#shared/engine/onnx/ops/elementwise.ts';
import { multiHeadAttention } from '#shared/engine/onnx/ops/microsoft.ts';
import { argMaxLast } from '#shared/engine/onnx/ops/network.ts';
import { sizeAt } from '#shared/engine/onnx/shape.ts';
import { storedRows } from '#shared/engine/onnx/stored-value.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { activate } from './activation.ts';
import type { ClipConfig } from './clip-config.ts';
import type { Scope } from './scope.ts';
import type { Target } from './target.ts';

/** Configurations from before transformers 4.31 have this, meaning the greatest id of each row. */
const LEGACY_EOS_ID = 2;

export interface ClipOutputs {
  /** The output of the last layer but one, `[N, S, hidden_size]`, not normalised. */
  readonly penultimate: Var;
  /** The output of the last layer, not normalised. */
  readonly last: Var;
}

/**
 * A CLIP text encoder.
 *
 * @param ids int32 `[N, S]`, S at most `max_position_embeddings`
 */
export function clipTextEncoder(
  target: Target,
  root: Scope,
  config: ClipConfig,
  ids: Var,
): ClipOutputs {
  const scope = root.at('text_model');
  let last = embeddings(target, scope.at('embeddings'), config, ids);
  let penultimate = last;
  for (let layer = 0; layer < config.num_hidden_layers; layer += 1) {
    penultimate = last;
    last = encoderLayer(target, scope.at('encoder.layers', layer), config, last);
  }
  // Every checkpoint of the class has it, even if only the penultimate layer is used.
  scope.at('final_layer_norm').norm(config.hidden_size);
  return { penultimate, last };
}

/** The projected row of each text's first end-of-text mark, `[N, projection_dim]`. */
export function clipProjection(
  target: Target,
  root: Scope,
  config: ClipConfig,
  ids: Var,
  last: Var,
): Var {
  const width = config.hidden_size;
  const norm = root.at('text_model.final_layer_norm').norm(width);
  const projection = root.tensor('text_projection.weight', [config.projection_dim, width]);
  const row = gatherPerRow(last, endOfText(ids, config.eos_token_id));
  return target.project(target.layerNorm(row, norm, config.layer_norm_eps), projection);
}

function embeddings(target: Target, scope: Scope, config: ClipConfig, ids: Var): Var {
  const width = config.hidden_size;
  const tokens = scope.tensor('token_embedding.weight', [config.vocab_size, width]);
  const positions = scope.tensor('position_embedding.weight', [
    config.max_position_embeddings,
    width,
  ]);
  const length = sizeAt(ids.shape, 1);
  return add(
    gatherRows(target.parameter(tokens), ids),
    target.cast(storedRows(positions, 0, length)),
  );
}

function encoderLayer(target: Target, scope: Scope, config: ClipConfig, hidden: Var): Var {
  const width = config.hidden_size;
  const epsilon = config.layer_norm_eps;
  const attention = scope.at('self_attn');
  const normalized = target.layerNorm(hidden, scope.at('layer_norm1').norm(width), epsilon);
  const [query, key, value] = (['q_proj', 'k_proj', 'v_proj'] as const).map((name) =>
    target.linear(normalized, attention.at(name).linear(width, width)),
  ) as [Var, Var, Var];
  const attended = multiHeadAttention(query, key, value, {
    heads: config.num_attention_heads,
    causal: true,
  });
  const out = attention.at('out_proj').linear(width, width);
  const branch = { product: target.project(attended, out.weight), bias: out.bias };
  const norm2 = scope.at('layer_norm2').norm(width);
  const { normalized: second, sum } = target.residualNorm(branch, hidden, norm2, epsilon);

  const fc1 = scope.at('mlp.fc1').linear(width, config.intermediate_size);
  const fc2 = scope.at('mlp.fc2').linear(config.intermediate_size, width);
  const inner = activate(target.linear(second, fc1), config.hidden_act);
  return target.residual({ product: target.project(inner, fc2.weight), bias: fc2.bias }, sum);
}

/** The place of the end-of-text mark in each row, int64 `[N, 1]`, as transformers finds it. */
function endOfText(ids: Var, eosId: number): Var {
  if (eosId === LEGACY_EOS_ID) return argMaxLast(ids);
  return argMaxLast(cast(equal(ids, int32s(eosId)), 'INT32'));
}
