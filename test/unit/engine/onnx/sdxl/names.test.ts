import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readClipConfig } from '#shared/engine/onnx/sdxl/clip-config.ts';
import { cpuTarget } from '#shared/engine/onnx/sdxl/cpu-target.ts';
import {
  type ModelGraph,
  textGraph,
  unetGraph,
  vaeGraph,
} from '#shared/engine/onnx/sdxl/graphs.ts';
import { readUnetConfig } from '#shared/engine/onnx/sdxl/unet-config.ts';
import { readVaeConfig } from '#shared/engine/onnx/sdxl/vae-config.ts';
import { fixture } from '#test/helpers/model-fixture.ts';

/** Every tensor of stable-diffusion-xl-base-1.0: part → name → shape. */
const keys: Record<string, Record<string, number[]>> = JSON.parse(
  readFileSync(fixture('sdxl', 'keys.json'), 'utf8'),
);
const config = (part: string): unknown =>
  JSON.parse(readFileSync(fixture('sdxl', part, 'config.json'), 'utf8'));
const clip = (part: string) => readClipConfig(config(part), part);

const POOLED_CHANNELS = 1280;
const STEP = {
  timestep: 399,
  sqrtAlpha: 0.65,
  sqrtOneMinusAlpha: 0.76,
  prediction: 'epsilon',
  scheduler: 'lcm',
} as const;

const asked = ({ scopes }: ModelGraph, index = 0): Record<string, readonly number[]> =>
  Object.fromEntries(
    [...(scopes[index]?.asked.values() ?? [])].map(({ name, shape }) => [name, shape]),
  );

describe("the tensors asked for with SDXL's own configurations are its own:", () => {
  it('UNet', () => {
    const unet = readUnetConfig(config('unet'), 'unet');
    const graph = unetGraph(cpuTarget, 'FLOAT', unet, POOLED_CHANNELS, STEP);
    expect(asked(graph)).toEqual(keys['unet']);
    expect(Object.keys(asked(graph))).toHaveLength(1680);
  });

  it('text encoders', () => {
    const configs = [clip('text_encoder'), clip('text_encoder_2')] as const;
    const graph = textGraph(cpuTarget, 'FLOAT', configs, 77);
    expect(asked(graph, 0)).toEqual(keys['text_encoder']);
    expect(asked(graph, 1)).toEqual(keys['text_encoder_2']);
  });

  it('VAE, but for its encoder', () => {
    const graph = vaeGraph(cpuTarget, 'FLOAT', readVaeConfig(config('vae'), 'vae'));
    const decoder = Object.entries(keys['vae'] ?? {}).filter(
      ([name]) => !/^(encoder|quant_conv)\./.test(name),
    );
    expect(asked(graph)).toEqual(Object.fromEntries(decoder));
  });
});
