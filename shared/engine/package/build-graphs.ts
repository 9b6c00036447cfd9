import { defined } from '#shared/core/defined.ts';
import { FormatError } from '#shared/core/errors.ts';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import { hasBands } from '#shared/engine/onnx/sdxl/bands.ts';
import { type ClipConfig, readClipConfig } from '#shared/engine/onnx/sdxl/clip-config.ts';
import { cpuTarget, cpuTargetOfAnySize } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import { cudaTarget } from '#shared/engine/onnx/sdxl/cuda-target.ts';
import type { DenoiseStep } from '#shared/engine/onnx/sdxl/denoise.ts';
import {
  type ModelGraph,
  textGraph,
  unetGraph,
  vaeGraph,
} from '#shared/engine/onnx/sdxl/graphs.ts';
import { withInt8Convolutions } from '#shared/engine/onnx/sdxl/int8-convolutions.ts';
import { int8Target } from '#shared/engine/onnx/sdxl/int8-target.ts';
import { type Folding, NO_FOLDING } from '#shared/engine/onnx/sdxl/resnet.ts';
import type { Target } from '#shared/engine/onnx/sdxl/target.ts';
import { TIME_IDS } from '#shared/engine/onnx/sdxl/time-embedding.ts';
import { readUnetConfig, type UnetConfig } from '#shared/engine/onnx/sdxl/unet-config.ts';
import {
  type DecoderConfig,
  readDecoderConfig,
  vaeFactor,
} from '#shared/engine/onnx/sdxl/vae-config.ts';
import type { FloatType } from '#shared/engine/onnx/stored-tensor.ts';
import { readExponents } from './exponent-letters.ts';
import type { GraphName, Int8Choice, Manifest } from './manifest.ts';
import { openRepository, type Repository } from './repository.ts';
import { readSchedule } from './schedule.ts';
import { readTokenizerFacts } from './tokenizer-facts.ts';

type Tokenizers = Manifest['text']['tokenizers'];

/** Everything in a repository's configuration files, checked against each other. */
export interface ModelConfig {
  readonly clip: readonly [ClipConfig, ClipConfig];
  readonly unet: UnetConfig;
  readonly vae: DecoderConfig;
  /** A second, smaller decoder for drafts. */
  readonly draft: DecoderConfig | undefined;
  readonly step: DenoiseStep;
  readonly tokenizers: Tokenizers;
}

/** @throws AppError, FormatError naming the file and the field at fault */
export function readModelConfig(
  repository: Repository,
  recipe = FORMER_RECIPE,
  decoders: DecoderFolders = {},
): ModelConfig {
  const read = <T>(parse: (value: unknown, file: string) => T, ...names: readonly string[]): T =>
    parse(repository.readJson(...names), repository.pathOf(...names));
  const clip = (part: string) => read(readClipConfig, part, 'config.json');
  const encoders = [clip('text_encoder'), clip('text_encoder_2')] as const;
  const tokenizer = (folder: string, encoder: ClipConfig) =>
    readTokenizerFacts(repository, folder, {
      positions: encoder.max_position_embeddings,
      vocabulary: encoder.vocab_size,
    });
  const config: ModelConfig = {
    clip: encoders,
    unet: read(readUnetConfig, 'unet', 'config.json'),
    vae:
      decoders.vae === undefined
        ? read(readDecoderConfig, 'vae', 'config.json')
        : readDecoderFolder(decoders.vae),
    draft: decoders.draftVae === undefined ? undefined : readDecoderFolder(decoders.draftVae),
    step: read(
      (value, file) => readSchedule(value, file, recipe),
      'scheduler',
      'scheduler_config.json',
    ),
    tokenizers: [tokenizer('tokenizer', encoders[0]), tokenizer('tokenizer_2', encoders[1])],
  };
  checkAgreement(config, repository);
  return config;
}

/** Folders of decoders beside the repository: each a `config.json` and weights. */
export interface DecoderFolders {
  /** Takes the place of the repository's VAE. */
  readonly vae?: string | undefined;
  /** For drafts. */
  readonly draftVae?: string | undefined;
}

/** What `AutoencoderKL` of Stable Diffusion 1 and 2 scales latents by: the class's own default. */
const SD1_SCALING_FACTOR = 0.18215;
/** TAESD has TAESDXL's configuration: only its folder's name tells them apart, or a hub's above the commit. */
const SD1_TINY = /(?:^|[/\\])taesd(?:[/\\][0-9a-f]{40})?[/\\]*$/i;

function readDecoderFolder(folder: string): DecoderConfig {
  const { readJson, pathOf } = openRepository(folder);
  const file = pathOf('config.json');
  const config = readDecoderConfig(readJson('config.json'), file);
  const isOlder =
    config.kind === 'kl' ? config.scaling_factor === SD1_SCALING_FACTOR : SD1_TINY.test(folder);
  if (!isOlder) return config;
  const sign = config.kind === 'kl' ? `"scaling_factor": ${SD1_SCALING_FACTOR}` : '"taesd"';
  throw new FormatError(file, `${sign} is a decoder of Stable Diffusion 1 or 2, not of SDXL`);
}

/** The parts must fit together: each takes what the one before puts out. */
function checkAgreement(
  { clip, unet, vae, draft, tokenizers }: ModelConfig,
  { folder, pathOf }: Repository,
): void {
  const [first, second] = clip;
  const pooled = second.projection_dim;
  const expected: readonly (readonly [string, number, number, string])[] = [
    [
      'cross_attention_dim',
      unet.contextChannels,
      first.hidden_size + second.hidden_size,
      'the "hidden_size" of both text encoders together',
    ],
    [
      'projection_class_embeddings_input_dim',
      unet.projection_class_embeddings_input_dim,
      pooled + TIME_IDS * unet.addition_time_embed_dim,
      `text_encoder_2's "projection_dim" + ${TIME_IDS} × "addition_time_embed_dim"`,
    ],
    ['in_channels', unet.in_channels, vae.latent_channels, 'the VAE\'s "latent_channels"'],
    ['out_channels', unet.out_channels, vae.latent_channels, 'the VAE\'s "latent_channels"'],
  ];
  for (const [field, actual, wanted, meaning] of expected) {
    if (actual === wanted) continue;
    const file = pathOf('unet', 'config.json');
    throw new FormatError(file, `"${field}": ${actual} must be ${wanted}, ${meaning}`);
  }
  if (draft !== undefined) {
    for (const fact of [vaeFactor, ({ latent_channels }: DecoderConfig) => latent_channels]) {
      if (fact(draft) === fact(vae)) continue;
      throw new FormatError(folder, 'its VAE and the draft decoder take latents of other shapes');
    }
  }
  const [one, other] = tokenizers.map(({ maxLength }) => maxLength);
  if (one !== other) {
    throw new FormatError(
      folder,
      `reads ${one} tokens with one text encoder and ${other} with the other: "model_max_length" of tokenizer_config.json or "max_position_embeddings" of config.json must change`,
    );
  }
}

/** The graphs of a model for one kind of device. */
export type ModelGraphs = Record<GraphName, ModelGraph> & { readonly draft?: ModelGraph };

/** All graphs of a model for one kind of device. */
export function buildGraphs(
  config: ModelConfig,
  target: Target,
  type: FloatType,
  folding = NO_FOLDING,
  { unet = target, decoder = target }: PartTargets = {},
): ModelGraphs {
  const [, second] = config.clip;
  const { draft } = config;
  return {
    ...defined({ draft: draft && vaeGraph(target, type, draft, NO_FOLDING, 'draft') }),
    text: textGraph(target, type, config.clip, config.tokenizers[0].maxLength),
    unet: unetGraph(unet, type, config.unet, second.projection_dim, config.step),
    vae: vaeGraph(decoder, type, config.vae, folding),
  };
}

/** Where parts of a model have targets of their own. */
interface PartTargets {
  readonly unet?: Target;
  readonly decoder?: Target;
}

/** With a second VAE graph for small images if the first works in bands of rows. */
function buildCpuGraphs(
  config: ModelConfig,
  type: FloatType,
  unet: Target = cpuTarget,
  decoderOf = (target: Target): Target => target,
): ModelGraphs {
  const decoder = decoderOf(cpuTarget);
  const graphs = buildGraphs(config, cpuTarget, type, NO_FOLDING, { unet, decoder });
  if (!hasBands(graphs.vae.graph)) return graphs;
  const { graph } = vaeGraph(decoderOf(cpuTargetOfAnySize), type, config.vae);
  return { ...graphs, vae: { ...graphs.vae, small: graph } };
}

/** The graphs of a model for each kind of device; graphs of the same name share a weight file. */
export interface DeviceGraphs {
  readonly cpu: ModelGraphs;
  /** In float16 packages only. */
  readonly cuda?: ModelGraphs;
}

export interface GraphChoices {
  readonly folding?: Folding | undefined;
  readonly int8?: Int8Choice | undefined;
}

/**
 * All graphs of a package with weights of a dtype.
 *
 * @param choices what was chosen by running the model: the powers of two that divide the CUDA graph's
 *   VAE; the layers of the UNet that stay float32 where the others are int8, and what the decoder's
 *   convolutions are rounded to
 */
export function buildDeviceGraphs(
  config: ModelConfig,
  dtype: Manifest['dtype'],
  { folding = NO_FOLDING, int8 = { kept: [] } }: GraphChoices = {},
): DeviceGraphs {
  if (dtype === 'fp32') return { cpu: buildCpuGraphs(config, 'FLOAT') };
  if (dtype === 'int8') {
    const unet = int8Target({ kept: new Set(int8.kept) });
    const exponents = readExponents(int8.convolutions ?? {});
    const decoderOf = (target: Target) => withInt8Convolutions(target, exponents);
    return { cpu: buildCpuGraphs(config, 'FLOAT', unet, decoderOf) };
  }
  return {
    cpu: buildCpuGraphs(config, 'FLOAT16'),
    cuda: buildGraphs(config, cudaTarget, 'FLOAT16', folding),
  };
}
