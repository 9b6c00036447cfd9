import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined } from '#shared/core/defined.ts';
import type { DiskOf } from '#shared/core/disk-room.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { vaeFactor } from '#shared/engine/onnx/sdxl/vae-config.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { buildDeviceGraphs, type ModelConfig, readModelConfig } from './build-graphs.ts';
import { type Calibration, calibrateVae } from './calibrate-vae.ts';
import { chooseRecipe, type HubPlace, type RecipeQuestion } from './choose-recipe.ts';
import { type Declaration, readDeclaration } from './declaration.ts';
import { fileDigest } from './file-digest.ts';
import { readLicences } from './licences.ts';
import { GRAPH_NAMES, MANIFEST_FILE, type Manifest, ManifestSchema } from './manifest.ts';
import type { Lora } from './merge-lora.ts';
import { makeFolder } from './new-folder.ts';
import { packageDigest } from './package-digest.ts';
import { PackageWriter } from './package-writer.ts';
import { nativeSide } from './recipes.ts';
import { openRepository, type Repository } from './repository.ts';
import { type SourceFiles, SourceTensors } from './source-tensors.ts';
import { tokenizerFiles } from './tokenizer-facts.ts';
import { writeGraphs } from './write-graphs.ts';

export interface ImportOptions extends SourceFiles {
  /** A folder laid out as stable-diffusion-xl-base-1.0 is. */
  readonly repository: string;
  /** Adapters merged into the weights, in this order. */
  readonly loras?: readonly Lora[] | undefined;
  readonly dtype: 'fp32' | 'fp16';
  /** How the model makes an image, if the user says so. */
  readonly recipe?: Recipe | undefined;
  /** Which of the sources were fetched from the hub, and from where. */
  readonly hub?: Readonly<Partial<Record<'repository' | 'unet' | 'checkpoint', HubPlace>>>;
  /** Whether the repository has UNet weights of its own; by default its folder tells. */
  readonly hasUnet?: boolean | undefined;
  /** The folder of the new package, replacing one that exists. */
  readonly out: string;
  readonly name: string;
  /** The name that clients put before the model's. */
  readonly owner?: string | undefined;
  /** Share tensors that already fit with their source files instead of copying them. */
  readonly link?: boolean;
  /** Where the files came from, if not from these paths. */
  readonly source?: Manifest['source'] | undefined;
  /** Files that the repository consists of; by default all in its folder. */
  readonly files?: readonly string[] | undefined;
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
    const declaration = declarationFor(repository, options);
    const recipe = chooseRecipe({
      given: options.recipe,
      unet: unetSource(options),
      loras: options.loras ?? [],
      declaration,
      tensors: () => sources.unetCheckpoint().tensors.size,
    });
    sources.assertFit(recipe);
    const config = readModelConfig(repository, recipe, options);
    const { cpu } = buildDeviceGraphs(config, options.dtype);
    for (const name of GRAPH_NAMES) sources.resolve(cpu[name]);
    if (cpu.draft !== undefined) sources.resolve(cpu.draft);
    sources.merge(options.loras ?? []);
    return await makeFolder(options.out, options.processId, (folder) =>
      writePackage(folder, { options, repository, config, sources, recipe, declaration }),
    );
  } finally {
    sources.close();
  }
}

/** What the repository declares, if it is about the UNet that is imported. */
function declarationFor(repository: Repository, options: ImportOptions): Declaration | undefined {
  const { hasUnet = repository.hasWeights('unet') } = options;
  const isOther = hasUnet && (options.unet ?? options.checkpoint) !== undefined;
  return isOther ? undefined : readDeclaration(repository);
}

/** What brings the UNet. */
function unetSource({ unet, checkpoint, repository, hub }: ImportOptions): RecipeQuestion['unet'] {
  if (unet !== undefined) return { path: unet, hub: hub?.unet };
  if (checkpoint !== undefined) return { path: checkpoint, hub: hub?.checkpoint };
  return { path: repository, hub: hub?.repository };
}

interface Job {
  readonly options: ImportOptions;
  readonly repository: Repository;
  readonly config: ModelConfig;
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
  const { vae } = config;
  const run = { folder, sourceOf, file: job.sources.fileOf('vae'), signal };
  // A small decoder has no normalisation to undo a factor, and needs none.
  const calibration =
    options.dtype === 'fp32' || vae.kind === 'tiny'
      ? undefined
      : await calibrateVae({ ...run, config: vae });
  const graphs = buildDeviceGraphs(config, options.dtype, calibration?.folding);
  const sets = await writeGraphs(writer, graphs, {
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
  const manifest = await makeManifest(job, { graphs: sets, calibration, files: writer.files });
  await writer.put(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  signal?.throwIfAborted();
  return manifest;
}

interface Written extends Pick<Manifest, 'graphs' | 'files'> {
  readonly calibration: Calibration | undefined;
}

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

async function makeManifest(job: Job, { graphs, calibration, files }: Written): Promise<Manifest> {
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
