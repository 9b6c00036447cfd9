import type { Manifest } from '#shared/engine/package/manifest.ts';
import { packageDigest } from '#shared/engine/package/package-digest.ts';

const graph = <I extends string[], O extends string[]>(file: string, inputs: I, outputs: O) => ({
  file,
  weightBytes: 0,
  inputs,
  outputs,
});

/** A manifest that is well formed, of a package for CPU and GPU with these files. */
export function sampleManifest(
  files: Manifest['files'] = { 'unet.onnx': { sha256: 'e'.repeat(64), bytes: 3 } },
): Manifest {
  const graphs = {
    text: graph('text.onnx', ['ids_1', 'ids_2'], ['context', 'pooled']),
    unet: graph('unet.onnx', ['latents', 'context', 'pooled', 'time_ids'], ['x0']),
    vae: graph('vae.onnx', ['x0'], ['pixels']),
  };
  const tokenizer = { folder: 'tokenizer', bosId: 0, eosId: 1, padId: 1, maxLength: 77 };
  const value = {
    format: 'onestep-model/1',
    name: 'sample',
    digest: packageDigest({ files, recipe: undefined }),
    dtype: 'fp16',
    graphs: {
      cpu: { dialect: 'cpu-fp32', ...graphs },
      cuda: { dialect: 'cuda-fp16', ...graphs },
    },
    size: { defaultWidth: 64, defaultHeight: 64, multiple: 8 },
    vae: { scalingFactor: 0.13, latentChannels: 4 },
    text: { contextChannels: 8, pooledChannels: 8, tokenizers: [tokenizer, tokenizer] },
    schedule: { timestep: 399, sqrtAlpha: 0.5, sqrtOneMinusAlpha: 0.5 },
    source: { repository: 'sample' },
    licences: [],
    files,
  };
  return value as unknown as Manifest;
}
