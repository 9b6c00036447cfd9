import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined } from '#shared/core/defined.ts';
import type { DiskOf } from '#shared/core/disk-room.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { vaeFactor } from '#shared/engine/onnx/sdxl/vae-config.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import {
  buildDeviceGraphs,
  type DeviceGraphs,
  type ModelConfig,
  readModelConfig,
} from './build-graphs.ts';
import { type Calibration, calibrateVae } from './calibrate-vae.ts';
import { type RecipeOptions, recipeOfImport } from './choose-recipe.ts';
import { convolutionExponents } from './convolution-exponents.ts';
import { assertSizes, DECLARATION_FILE, type Declaration } from './declaration.ts';
import type { SampleRun } from './decode-samples.ts';
import { exponentLetters } from './exponent-letters.ts';
import { fileDigest } from './file-digest.ts';
import { assertLayers } from './int8-choice.ts';
import { readLicences } from './licences.ts';
import {
  GRAPH_NAMES,
  type Int8Choice,
  MANIFEST_FILE,
  type Manifest,
  ManifestSchema,
} from './manifest.ts';
import { makeFolder } from './new-folder.ts';
import { packageDigest } from './package-digest.ts';
import { PackageWriter } from './package-writer.ts';
import { nativeSide } from './recipes.ts';
import { openRepository, type Repository } from './repository.ts';
import { type SourceFiles, SourceTensors } from './source-tensors.ts';
import { tokenizerFiles } from './tokenizer-facts.ts';
import { writeGraphs } from './write-graphs.ts';

export interface ImportOptions extends SourceFiles, RecipeOptions {
  readonly dtype: Manifest['dtype'];
  /**
   * What stays float32 where the UNet becomes int8, nothing by default; and what the decoder's
   * convolutions are rounded to, measured by default.
   */
  readonly int8?: Int8Choice | undefined;
  /** The folder of the new package, replacing one that exists. */
  readonly out: string;
  readonly name: string;
  /** The name that clients put before the model's. */
  readonly owner?: string | undefined;
  /** Share tensors that already fit with their source files instead of copying them. */
  readonly link?: boolean;
  /** Where the files came from, if not from these paths. */
  readonly source?: Manifest['source'] | undefined;
  /** Licences that the source's files do not state. */
  readonly licences?: Manifest['licences'] | undefined;
  readonly processId: number;
  /** Stops the import; nothing is left behind. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: { bytes: number; of: number }) => void;
  /** What is free where the package goes; the system's answer by default. */
  readonly diskOf?: DiskOf | undefined;
}

/** The latents' side if a UNet's config has none: the default of diffusers' SDXL pipeline. */
const DEFAULT_SAMPLE_SIZE = 128;

/**
 * Makes a model package from an SDXL repository: reads its configurations, builds the graphs and
 * converts the weights. The package appears whole or not at all.
 *
 * @throws AppError, FormatError naming the file, field or tensor at fault
 */
export async function importModel(options: ImportOptions): Promise<Manifest> {
  const repository = openRepository(options.repository, options.files);
  const sources = new SourceTensors(repository, options);
  try {
    // First, since a LoRA given as the UNet is no model with an unknown recipe.
    sources.assertKinds();
    const { recipe, declaration } = recipeOfImport(options);
    sources.assertRecipe(recipe);
    const config = readModelConfig(repository, recipe, options);
    if (declaration !== undefined) {
      assertSizes(declaration, vaeFactor(config.vae), repository.pathOf(DECLARATION_FILE));
    }
    const graphs = buildDeviceGraphs(config, options.dtype);
    const { cpu } = graphs;
    if (options.int8 !== undefined) assertLayers(options.int8, cpu);
    for (const name of GRAPH_NAMES) sources.resolve(cpu[name]);
    if (cpu.draft !== undefined) sources.resolve(cpu.draft);
    sources.merge(options.loras ?? []);
    return await makeFolder(options.out, options.processId, (folder) =>
      writePackage(folder, { options, repository, config, graphs, sources, recipe, declaration }),
    );
  } finally {
    sources.close();
  }
}

interface Job {
  readonly options: ImportOptions;
  readonly repository: Repository;
  readonly config: ModelConfig;
  /** Before anything was chosen: nothing is divided for float16, no layer of the UNet is kept. */
  readonly graphs: DeviceGraphs;
  readonly recipe: Recipe;
  readonly declaration: Declaration | undefined;
  readonly sources: SourceTensors;
}

async function writePackage(folder: string, job: Job): Promise<Manifest> {
  const writer = new PackageWriter(folder, job.options.diskOf);
  try {
    return await writeFiles(folder, writer, job);
  } finally {
    await writer.close();
  }
}

async function writeFiles(folder: string, writer: PackageWriter, job: Job): Promise<Manifest> {
  const { options, repository, config } = job;
  const sourceOf = (tensor: StoredTensor) => job.sources.of(tensor);
  const { signal } = options;
  const { latent_channels: latentChannels } = config.vae;
  const run = { folder, latentChannels, sourceOf, file: job.sources.fileOf('vae'), signal };
  const chosen = await chooseByRunning(job, run);
  const { calibration, int8 } = chosen;
  const { folding } = calibration ?? {};
  const isFolded = Object.values(folding ?? {}).some((exponent) => exponent > 0);
  const graphs =
    isFolded || int8 !== undefined
      ? buildDeviceGraphs(config, options.dtype, { folding, int8 })
      : job.graphs;
  const sets = await writeGraphs(writer, graphs, {
    cpuDialect: options.dtype === 'int8' ? 'cpu-int8' : 'cpu-fp32',
    sourceOf,
    link: options.link === true,
    signal,
    onProgress: options.onProgress,
  });
  for (const { folder: name } of config.tokenizers) {
    for (const file of tokenizerFiles(repository, name)) {
      await writer.put(`${name}/${file}`, readFileSync(repository.pathOf(name, file)));
    }
  }
  const manifest = await makeManifest(job, { ...chosen, graphs: sets, files: writer.files });
  await writer.put(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  signal?.throwIfAborted();
  return manifest;
}

/** What only the running decoder tells. */
interface Chosen {
  /** In float16 packages. */
  readonly calibration?: Calibration | undefined;
  /** In int8 packages. */
  readonly int8?: Int8Choice | undefined;
}

async function chooseByRunning(
  { options: { dtype, int8 = { kept: [] } }, config: { vae } }: Job,
  run: SampleRun,
): Promise<Chosen> {
  if (dtype === 'fp32') return {};
  // A small decoder has no normalisation to undo a factor, and needs none; nor has it convolutions of
  // normalised images.
  if (vae.kind === 'tiny') return dtype === 'int8' ? { int8 } : {};
  if (dtype === 'fp16') return { calibration: await calibrateVae(vae, run) };
  if (int8.convolutions !== undefined) return { int8 };
  const convolutions = exponentLetters(await convolutionExponents(vae, run));
  return { int8: { ...int8, convolutions } };
}

type Written = Chosen & Pick<Manifest, 'graphs' | 'files'>;

/** The adapters by their files' digests. */
async function loraRecords({ loras = [], originOf = (file) => file }: ImportOptions) {
  if (loras.length === 0) return undefined;
  return Promise.all(
    loras.map(async ({ file, scale }) => ({
      file: originOf(file),
      sha256: await fileDigest(file),
      scale,
    })),
  );
}

async function makeManifest(
  job: Job,
  { graphs, calibration, int8, files }: Written,
): Promise<Manifest> {
  const { options, config, recipe, declaration } = job;
  const source = options.source ?? {
    repository: options.repository,
    ...defined({ unet: options.unet }),
  };
  const multiple = vaeFactor(config.vae);
  const own = (config.unet.sample_size ?? DEFAULT_SAMPLE_SIZE) * multiple;
  const side = nativeSide(recipe) ?? own;
  const [defaultWidth = side, defaultHeight = side] =
    declaration?.sizes?.[0]?.split('x').map(Number) ?? [];
  return ManifestSchema.parse({
    format: 'onestep-model/1',
    name: options.name,
    owner: options.owner,
    digest: packageDigest({ files, recipe }),
    dtype: options.dtype,
    int8,
    graphs,
    size: { defaultWidth, defaultHeight, multiple },
    vae: {
      scalingFactor: config.vae.scaling_factor,
      latentChannels: config.vae.latent_channels,
      ...calibration,
    },
    draft: config.draft && { scalingFactor: config.draft.scaling_factor },
    text: {
      contextChannels: config.unet.contextChannels,
      pooledChannels: config.clip[1].projection_dim,
      tokenizers: config.tokenizers,
    },
    recipe,
    loras: await loraRecords(options),
    sizes: declaration?.sizes,
    words: declaration?.words,
    schedule: config.step,
    source: { ...source, parts: job.sources.parts() },
    licences: options.licences ?? [
      ...readLicences(options.repository, 'repository'),
      ...(options.unet === undefined ? [] : readLicences(dirname(options.unet), 'unet')),
    ],
    files,
  });
}
