/** diffusers' modules outside the blocks, and their original names. */
const MODULES: Readonly<Record<string, string>> = {
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
  conv_in: 'input_blocks.0.0',
  conv_out: 'out.2',
};

const RESNET_LAYERS: Readonly<Record<string, string>> = {
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};

/**
 * The original names of a UNet's modules, for adapters of the original code, which numbers all blocks in
 * one sequence.
 *
 * @param modules every module of the UNet that has a weight, by diffusers' names
 */
export function originalUnetModules(modules: readonly string[]): (module: string) => string {
  const down = firstBlocks(modules, 'down_blocks', 1);
  const up = firstBlocks(modules, 'up_blocks', 0);
  return (module) => {
    const [row, first = '', kind = '', index = '', ...layer] = module.split('.');
    const level = Number(first);
    const inBlock = (block: string, blockKind: string, rest: readonly string[]) => {
      const [name = '', ...more] = rest;
      const own = blockKind === 'resnets' ? (RESNET_LAYERS[name] ?? name) : name;
      return [block, own, ...more].join('.');
    };
    if (row === 'mid_block') {
      // resnets.0, attentions.0, resnets.1: here the kind comes before the number.
      const block = first === 'attentions' ? 1 : 2 * Number(kind);
      return inBlock(`middle_block.${block}`, first, [index, ...layer]);
    }
    if (row !== 'down_blocks' && row !== 'up_blocks') return MODULES[module] ?? module;
    const isDown = row === 'down_blocks';
    const starts = isDown ? down : up;
    const last = (starts[level + 1] ?? 0) - 1;
    if (kind === 'downsamplers') return `input_blocks.${last}.0.op`;
    if (kind === 'upsamplers') {
      const isAfterAttention = modules.some((name) =>
        name.startsWith(`${row}.${level}.attentions.`),
      );
      return `output_blocks.${last}.${isAfterAttention ? 2 : 1}.conv`;
    }
    const block = (starts[level] ?? 0) + Number(index);
    const place = kind === 'resnets' ? 0 : 1;
    return inBlock(`${isDown ? 'input' : 'output'}_blocks.${block}.${place}`, kind, layer);
  };
}

/** The number of each level's first block, and of the block after the last. */
function firstBlocks(modules: readonly string[], row: string, start: number): readonly number[] {
  const blocks = new Map<number, Set<string>>();
  for (const module of modules) {
    const [own, level, kind, index] = module.split('.');
    if (own !== row || !(kind === 'resnets' || kind === 'downsamplers')) continue;
    const known = blocks.get(Number(level)) ?? new Set();
    blocks.set(Number(level), known.add(`${kind}.${index}`));
  }
  const starts = [start];
  for (let level = 0; level < blocks.size; level++) {
    starts.push((starts[level] ?? 0) + (blocks.get(level)?.size ?? 0));
  }
  return starts;
}
