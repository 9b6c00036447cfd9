import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { alignColumns } from '#functions/cli/client/table.ts';
import { defineCommand } from '#functions/cli/command.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { defined } from '#shared/core/defined.ts';
import { formatBytes } from '#shared/core/format-bytes.ts';
import { recipeText } from '#shared/core/recipe.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { quote } from '#shared/engine/checkpoint/quote.ts';
import { elementCount, type LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import {
  formerRecipeWarning,
  MANIFEST_FILE,
  type Manifest,
  readManifest,
  recipeOf,
} from '#shared/engine/package/manifest.ts';

/** `onestep inspect FILE`: the tensors of a checkpoint, from its header alone. */
export const inspect = defineCommand({
  summary: 'list the tensors of a checkpoint file, or the facts of a model package',
  usage: 'FILE | PKG [options]',
  options: {},
  positionals: oneWord('Name one file: onestep inspect FILE'),
  examples: [
    'onestep inspect SDXL_DisBack.bin',
    'onestep inspect unet/diffusion_pytorch_model.safetensors --json',
    'onestep inspect stable-diffusion-xl-base-1.0/unet',
    'onestep inspect .onestep/models/disback',
  ],
  async run({ positionals: [path], print }) {
    if (existsSync(join(path, MANIFEST_FILE))) {
      const manifest = readManifest(path);
      return print(manifest, packageText(manifest));
    }
    const checkpoint = openCheckpoint(path);
    try {
      const tensors = [...checkpoint.tensors.values()];
      const document = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
      print(document, table(tensors));
    } finally {
      checkpoint.close();
    }
  },
});

/** A package's facts, one a line. */
function packageText(manifest: Manifest): string {
  const { owner, name, digest, dtype, size, source, files } = manifest;
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const loras = manifest.loras?.map(({ file, scale }) => `${file} at ${scale}`).join(', ');
  const facts = {
    name: owner === undefined ? name : `${owner}/${name}`,
    digest,
    recipe: recipeText(recipeOf(manifest)),
    ...defined({ warning: formerRecipeWarning(manifest) }),
    weights: `${dtype}, ${formatBytes(bytes)}`,
    size: `${size.defaultWidth}x${size.defaultHeight}, multiples of ${size.multiple}`,
    decoders: manifest.draft === undefined ? 'its own' : 'its own, draft',
    repository: source.repository,
    ...(source.parts ?? defined({ unet: source.unet })),
    ...defined({ loras }),
  };
  return Object.entries(facts)
    .map(([label, fact]) => `${label}: ${fact}\n`)
    .join('');
}

function table(tensors: readonly LazyTensor[]): string {
  const rows = tensors.map(({ name, dtype, shape, byteLength }) => [
    quote(name).slice(1, -1),
    dtype,
    shape.length === 0 ? 'scalar' : shape.join('×'),
    formatBytes(byteLength),
  ]);
  const values = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const bytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const total = `${tensors.length.toLocaleString('en')} tensors, ${values.toLocaleString('en')} values, ${formatBytes(bytes)}`;
  return `${alignColumns(rows)}${total}\n`;
}
