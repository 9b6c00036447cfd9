/** Modules outside the blocks, and the timestep's and the size's embeddings. */
const MODULES: Readonly<Record<string, string>> = {
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'label_emb.0.0': 'add_embedding.linear_1',
  'label_emb.0.2': 'add_embedding.linear_2',
  'input_blocks.0.0': 'conv_in',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
  'middle_block.0': 'mid_block.resnets.0',
  'middle_block.1': 'mid_block.attentions.0',
  'middle_block.2': 'mid_block.resnets.1',
};

/** Layers of a residual block. Those of transformers have the same names in both layouts. */
const RESNET_LAYERS: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'emb_layers.1': 'time_emb_proj',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  skip_connection: 'conv_shortcut',
};

/**
 * Translates the UNet's tensor names to diffusers'. The original code numbers all blocks in one
 * sequence; a down- or upsampler marks the end of a level.
 *
 * @param names every name of the UNet, without its prefix
 */
export function ldmUnetNames(names: ReadonlyMap<string, unknown>): (name: string) => string {
  const modules = new Map(Object.entries(MODULES));
  addDownBlocks(modules, names, countOf(names.keys(), 'input_blocks'));
  addUpBlocks(modules, names, countOf(names.keys(), 'output_blocks'));
  return (name) => translate(name, modules);
}

function countOf(names: Iterable<string>, row: string): number {
  const numbers = [...names].map((name) => {
    const [first, number] = name.split('.');
    return first === row ? Number(number) + 1 : 0;
  });
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}

function addDownBlocks(
  modules: Map<string, string>,
  names: ReadonlyMap<string, unknown>,
  count: number,
): void {
  let level = 0;
  let layer = 0;
  for (let index = 1; index < count; index++) {
    const from = `input_blocks.${index}`;
    if (names.has(`${from}.0.op.weight`)) {
      modules.set(`${from}.0.op`, `down_blocks.${level}.downsamplers.0.conv`);
      level++;
      layer = 0;
    } else {
      modules.set(`${from}.0`, `down_blocks.${level}.resnets.${layer}`);
      modules.set(`${from}.1`, `down_blocks.${level}.attentions.${layer}`);
      layer++;
    }
  }
}

function addUpBlocks(
  modules: Map<string, string>,
  names: ReadonlyMap<string, unknown>,
  count: number,
): void {
  let level = 0;
  let layer = 0;
  for (let index = 0; index < count; index++) {
    const from = `output_blocks.${index}`;
    modules.set(`${from}.0`, `up_blocks.${level}.resnets.${layer}`);
    modules.set(`${from}.1`, `up_blocks.${level}.attentions.${layer}`);
    layer++;
    for (const place of [1, 2]) {
      if (!names.has(`${from}.${place}.conv.weight`)) continue;
      modules.set(`${from}.${place}.conv`, `up_blocks.${level}.upsamplers.0.conv`);
      level++;
      layer = 0;
    }
  }
}

/** Replaces the longest known module at the name's front, then the layer inside it. */
function translate(name: string, modules: ReadonlyMap<string, string>): string {
  const parts = name.split('.');
  for (let length = Math.min(4, parts.length - 1); length > 0; length--) {
    const module = modules.get(parts.slice(0, length).join('.'));
    if (module === undefined) continue;
    return `${module}.${translateLayer(parts.slice(length))}`;
  }
  return name;
}

function translateLayer(parts: readonly string[]): string {
  for (const length of [2, 1]) {
    const layer = RESNET_LAYERS[parts.slice(0, length).join('.')];
    if (layer !== undefined) return [layer, ...parts.slice(length)].join('.');
  }
  return parts.join('.');
}
