import { floats } from '#shared/engine/onnx/constant.ts';
import { div, mul, relu, sub, tanh } from '#shared/engine/onnx/ops/elementwise.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import { activate } from './activation.ts';
import type { Scope } from './scope.ts';
import type { Target } from './target.ts';
import type { TinyVaeConfig } from './tiny-vae-config.ts';

/** Fixed in diffusers' `DecoderTiny`: latents are kept within ± this, softly. */
const MAGNITUDE = 3;
const IMAGE_CHANNELS = 3;

/**
 * diffusers' `AutoencoderTiny.decode` with the pipeline's scaling before it.
 *
 * @param x0 clean latents `[N, latent_channels, h, w]`
 * @returns the decoded image in about −1…1, `[N, 3, H, W]`
 */
export function decodeTiny(target: Target, root: Scope, config: TinyVaeConfig, x0: Var): Var {
  const { channels, blocks, act_fn: activation } = config;
  const layers = root.at('decoder.layers');
  const latents = div(x0, floats(config.scaling_factor));
  const kept = mul(tanh(div(latents, floats(MAGNITUDE))), floats(MAGNITUDE));
  const first = target.conv(target.toImage(kept), layers.at(0), {
    inputs: config.latent_channels,
    outputs: channels,
    kernel: 3,
  });
  let image = activate(first, activation);
  // The first convolution and its activation are layers 0 and 1.
  let layer = 2;
  for (const [index, count] of blocks.entries()) {
    for (let i = 0; i < count; i += 1) image = block(target, layers.at(layer++), config, image);
    if (index < blocks.length - 1) {
      // The doubling is a layer without weights; the convolution after it has no bias.
      image = target.upsample(image, layers.at(layer + 1), { channels, bias: false });
      layer += 2;
    }
  }
  const shape = { inputs: channels, outputs: IMAGE_CHANNELS, kernel: 3 };
  const decoded = target.fromImage(target.conv(image, layers.at(layer), shape));
  return sub(mul(decoded, target.cast(floats(2))), target.cast(floats(1)));
}

/** `AutoencoderTinyBlock`: three convolutions beside a shortcut. */
function block(target: Target, scope: Scope, config: TinyVaeConfig, image: Var): Var {
  const shape = { inputs: config.channels, outputs: config.channels, kernel: 3 };
  const conv = (at: number, x: Var) => target.conv(x, scope.at('conv', at), shape);
  const inner = activate(conv(0, image), config.act_fn);
  const outer = activate(conv(2, inner), config.act_fn);
  return relu(target.sum(conv(4, outer), image));
}
