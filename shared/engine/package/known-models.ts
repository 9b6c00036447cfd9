import type { RecipeName } from './recipes.ts';

/** Tensors of SDXL's UNet, and of all its parts in one file. */
const UNET_TENSORS = 1680;
const CHECKPOINT_TENSORS = 2515;

/** A distribution that is known to be one-step. */
interface KnownModel {
  /** Its repository on the hub, lower case. */
  readonly hub: string;
  /** Its file there; absent if the whole repository is the model. */
  readonly file?: string;
  readonly recipe: RecipeName;
  /** Tensors of the file, by which a copy on the disk is recognised. */
  readonly tensors?: number;
}

const unets = (recipe: RecipeName, hub: string, ...files: readonly string[]): KnownModel[] =>
  files.map((file) => ({ hub, file, recipe, tensors: UNET_TENSORS }));
const checkpoints = (recipe: RecipeName, hub: string, ...files: readonly string[]): KnownModel[] =>
  files.map((file) => ({ hub, file, recipe, tensors: CHECKPOINT_TENSORS }));

const LIGHTNING = 'bytedance/sdxl-lightning';
const HYPER = 'bytedance/hyper-sd';
const NITROSD = 'chendy/nitrofusion';
const TURBO = 'stabilityai/sdxl-turbo';

const KNOWN: readonly KnownModel[] = [
  ...unets('disback', 'syzhang0805/disback', 'SDXL_DisBack.bin'),
  ...unets('dmd2', 'tianweiy/dmd2', 'dmd2_sdxl_1step_unet.bin', 'dmd2_sdxl_1step_unet_fp16.bin'),
  // DI*-SDXL is called as DisBack is.
  { hub: 'xdg-xhs/distar_long_1step', recipe: 'disback' },
  { hub: TURBO, recipe: 'turbo' },
  ...checkpoints('turbo', TURBO, 'sd_xl_turbo_1.0.safetensors', 'sd_xl_turbo_1.0_fp16.safetensors'),
  ...unets('lightning', LIGHTNING, 'sdxl_lightning_1step_unet_x0.safetensors'),
  ...checkpoints('lightning', LIGHTNING, 'sdxl_lightning_1step_x0.safetensors'),
  ...unets('hyper', HYPER, 'Hyper-SDXL-1step-Unet.safetensors'),
  { hub: HYPER, file: 'Hyper-SDXL-1step-lora.safetensors', recipe: 'hyper-lora' },
  ...unets('nitrosd-realism', NITROSD, 'nitrosd-realism_unet.safetensors'),
  ...unets('nitrosd-vibrant', NITROSD, 'nitrosd-vibrant_unet.safetensors'),
];

/** The repository that describes every SDXL model whose own holds a UNet alone. */
const BASE = 'stabilityai/stable-diffusion-xl-base-1.0';

/** Such models by their repositories, lower case, and the UNet that is meant when no file is named. */
const UNET_REPOSITORIES: Readonly<Record<string, string>> = {
  'syzhang0805/disback': 'SYZhang0805/DisBack/SDXL_DisBack.bin',
  'tianweiy/dmd2': 'tianweiy/DMD2/dmd2_sdxl_1step_unet_fp16.bin',
  [LIGHTNING]: 'ByteDance/SDXL-Lightning/sdxl_lightning_1step_unet_x0.safetensors',
  [HYPER]: 'ByteDance/Hyper-SD/Hyper-SDXL-1step-Unet.safetensors',
};

/** Where a model comes from whose repository has a UNet and nothing else: `OWNER/NAME` and the file. */
export function unetRepository(
  repository: string,
): { readonly base: string; readonly unet: string } | undefined {
  const unet = UNET_REPOSITORIES[repository.toLowerCase()];
  return unet === undefined ? undefined : { base: BASE, unet };
}

/** The recipe of a model on the hub: `OWNER/NAME`, or a file of it. */
export function recipeOnHub(repository: string, file: string | undefined): RecipeName | undefined {
  const hub = repository.toLowerCase();
  const exact = KNOWN.find((known) => known.hub === hub && known.file === file);
  // A repository that is one model as a whole is so by each of its files.
  return (exact ?? KNOWN.find((known) => known.hub === hub && known.file === undefined))?.recipe;
}

/** The recipe of a file on the disk, by its name and how many tensors it has. */
export function recipeOfFile(name: string, tensors: () => number): RecipeName | undefined {
  const known = KNOWN.find(({ file }) => file?.toLowerCase() === name.toLowerCase());
  return known?.tensors !== undefined && known.tensors === tensors() ? known.recipe : undefined;
}

/** Whether a file on the disk has the name of an adapter that makes its base one-step. */
export const hasNameOfAdapter = (name: string): boolean =>
  KNOWN.some(
    ({ file, tensors }) => tensors === undefined && file?.toLowerCase() === name.toLowerCase(),
  );

/** Adapters that make a model draw in a few steps, not in one. */
const SEVERAL_STEPS = /(?:^|[^a-z0-9])(?:[2-9]|1\d)[-_ ]?steps?(?:[^a-z]|$)|pcm|lcm[-_ ]?lora/i;
const SEVERAL_STEPS_ON_HUB = /^(?:wangfuyun\/pcm_weights|latent-consistency\/)/i;

/** Whether an adapter is known, by its name, to need several steps. */
export const isForSeveralSteps = (file: string, repository = ''): boolean =>
  SEVERAL_STEPS.test(file.split(/[/\\]/).at(-1) ?? '') || SEVERAL_STEPS_ON_HUB.test(repository);
