import { buildGraph, type Graph } from '#shared/engine/onnx/graph.ts';
import { concat } from '#shared/engine/onnx/ops/arrange.ts';
import { cast } from '#shared/engine/onnx/ops/elementwise.ts';
import type { FloatType } from '#shared/engine/onnx/stored-tensor.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { clipProjection, clipTextEncoder } from './clip.ts';
import type { ClipConfig } from './clip-config.ts';
import { type DenoiseStep, denoise, noisyLatents } from './denoise.ts';
import { NO_FOLDING } from './resnet.ts';
import { Scope } from './scope.ts';
import type { Target } from './target.ts';
import { TIME_IDS } from './time-embedding.ts';
import { unet } from './unet.ts';
import type { UnetConfig } from './unet-config.ts';
import type { DecoderConfig } from './vae-config.ts';
import { vaeDecoder } from './vae-decoder.ts';

/** A graph, and scopes that list the tensors that it needs from each part of the repository. */
export interface ModelGraph {
  readonly graph: Graph;
  /** The graph for latents of fewer than `MIN_BANDED_LATENTS` rows, if that is another one. */
  readonly small?: Graph | undefined;
  readonly scopes: readonly Scope[];
}

/**
 * ids of both tokenizers → context and pooled, as diffusers' `encode_prompt` joins them.
 *
 * @param length ids per text
 */
export function textGraph(
  target: Target,
  type: FloatType,
  configs: readonly [ClipConfig, ClipConfig],
  length: number,
): ModelGraph {
  const ids1 = input('ids_1', 'INT32', ['batch', length]);
  const ids2 = input('ids_2', 'INT32', ['batch', length]);
  const scope1 = Scope.of('text_encoder', type, 'text_encoder.');
  const scope2 = Scope.of('text_encoder_2', type, 'text_encoder_2.');
  const first = clipTextEncoder(target, scope1, configs[0], ids1);
  const second = clipTextEncoder(target, scope2, configs[1], ids2);
  const pooled = clipProjection(target, scope2, configs[1], ids2, second.last);
  const context = cast(concat([first.penultimate, second.penultimate], 2), 'FLOAT');
  const graph = buildGraph('text', [ids1, ids2], {
    context,
    pooled: cast(pooled, 'FLOAT'),
  });
  return { graph, scopes: [scope1, scope2] };
}

/** Standard normal noise and conditioning → clean latents, the recipe's one step included. */
export function unetGraph(
  target: Target,
  type: FloatType,
  config: UnetConfig,
  pooledChannels: number,
  step: DenoiseStep,
  /** Asked for further outputs once the UNet is there. */
  watched: () => Readonly<Record<string, Var>> = () => ({}),
): ModelGraph {
  const scope = Scope.of('unet', type);
  const latents = input('latents', 'FLOAT', ['batch', config.in_channels, 'h', 'w']);
  const context = input('context', 'FLOAT', ['batch', 'tokens', config.contextChannels]);
  const pooled = input('pooled', 'FLOAT', ['batch', pooledChannels]);
  const timeIds = input('time_ids', 'FLOAT', ['rows', TIME_IDS]);
  const { start, networkInput } = noisyLatents(latents, step);
  const output = unet(target, scope, config, step.timestep, {
    latents: networkInput,
    context,
    pooled,
    timeIds,
  });
  const x0 = denoise(start, output, step);
  return {
    graph: buildGraph('unet', [latents, context, pooled, timeIds], { x0, ...watched() }),
    scopes: [scope],
  };
}

/**
 * Clean latents → pixels.
 *
 * @param part the decoder's weights: the repository's, or another's beside them
 */
export function vaeGraph(
  target: Target,
  type: FloatType,
  config: DecoderConfig,
  folding = NO_FOLDING,
  part: 'vae' | 'draft' = 'vae',
): ModelGraph {
  const scope = Scope.of(part, type);
  const x0 = input('x0', 'FLOAT', [1, config.latent_channels, 'h', 'w']);
  const outputs = vaeDecoder(target, scope, config, x0, folding);
  return { graph: buildGraph(part, [x0], { ...outputs }), scopes: [scope] };
}
