import { alignColumns } from '#functions/cli/client/table.ts';
import { defineCommand } from '#functions/cli/command.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { formatBytes } from '#shared/core/format-bytes.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { quote } from '#shared/engine/checkpoint/quote.ts';
import { elementCount, type LazyTensor } from '#shared/engine/checkpoint/tensor.ts';

/** `onestep inspect FILE`: the tensors of a checkpoint, from its header alone. */
export const inspect = defineCommand({
  summary: 'list the tensors of a checkpoint file',
  usage: 'FILE [options]',
  options: {},
  positionals: oneWord('Name one file: onestep inspect FILE'),
  examples: [
    'onestep inspect SDXL_DisBack.bin',
    'onestep inspect unet/diffusion_pytorch_model.safetensors --json',
    'onestep inspect stable-diffusion-xl-base-1.0/unet',
  ],
  async run({ positionals: [path], print }) {
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
