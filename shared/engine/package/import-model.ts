import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined } from '#shared/core/defined.ts';
import type { DiskOf } from '#shared/core/disk-room.ts';
import { assert } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { singleFilePart } from '#shared/engine/checkpoint/single-file.ts';
import type { Checkpoint, LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import { unwrapped } from '#shared/engine/checkpoint/unwrapped.ts';
import type { ModelGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { vaeFactor } from '#shared/engine/onnx/sdxl/vae-config.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { assertCheckpoint, assertMarkers, assertUnet } from './assert-sources.ts';
import { buildDeviceGraphs, type ModelConfig, readModelConfig } from './build-graphs.ts';
import { type Calibration, calibrateVae } from './calibrate-vae.ts';
import { chooseRecipe, type HubPlace, type RecipeQuestion } from './choose-recipe.ts';
import { type Declaration, readDeclaration } from './declaration.ts';
import { readLicences } from './licences.ts';
import { GRAPH_NAMES, MANIFEST_FILE, type Manifest, ManifestSchema } from './manifest.ts';
import { makeFolder } from './new-folder.ts';
import { packageDigest } from './package-digest.ts';
import { PackageWriter } from './package-writer.ts';
import { nativeSide } from './recipes.ts';
import { openRepository, PARTS, type Part, type Repository } from './repository.ts';
import { resolveTensors } from './resolve-tensors.ts';
import { tokenizerFiles } from './tokenizer-facts.ts';
import { writeGraphs } from './write-graphs.ts';

export interface ImportOptions {
  /** A folder laid out as stable-diffusion-xl-base-1.0 is. */
  readonly repository: string;
  /** A UNet checkpoint, safetensors or torch `.bin`, that takes the place of the repository's. */
  readonly unet?: string | undefined;
  /** A checkpoint with all parts in one file, in the original layout; its parts take precedence. */
  readonly checkpoint?: string | undefined;
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
  /** Where a file came from, if its path does not say it. */
  readonly originOf?: ((file: string) => string) | undefined;
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
      declaration,
      tensors: () => sources.unetCheckpoint().tensors.size,
    });
    sources.assertFit(recipe);
    const config = readModelConfig(repository, recipe);
    const { cpu } = buildDeviceGraphs(config, options.dtype);
    for (const name of GRAPH_NAMES) sources.resolve(cpu[name]);
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

/** The checkpoints of all parts, opened as they are needed. */
class SourceTensors {
  private readonly repository: Repository;
  private readonly options: ImportOptions;
  private readonly open = new Map<string, Checkpoint>();
  private readonly found = new Map<string, ReadonlyMap<string, LazyTensor>>();
  private readonly files = new Map<string, string>();

  constructor(repository: Repository, options: ImportOptions) {
    this.repository = repository;
    this.options = options;
  }

  /** Finds everything that a graph asks for. @throws FormatError naming what is missing or wrong */
  resolve({ scopes }: ModelGraph): void {
    for (const scope of scopes) {
      const part = PARTS.find((known) => known === scope.part);
      assert(part !== undefined, `${scope.part} is a part of a repository`);
      const { file, checkpoint } = this.openPart(part);
      this.found.set(part, resolveTensors(part, checkpoint, scope.asked, file));
      this.files.set(part, file);
    }
  }

  of({ source: { part, name } }: StoredTensor): LazyTensor {
    const found = this.found.get(part)?.get(name);
    assert(found !== undefined, `${name} of ${part} is resolved`);
    return found;
  }

  /** The file that a part was found in. */
  fileOf(part: Part): string {
    return this.files.get(part) ?? part;
  }

  /** The file that the UNet comes from. */
  unetCheckpoint(): Checkpoint {
    return this.openFile(this.unetFile());
  }

  /** Checks that each file is what it was given as, and that the recipe suits the UNet. */
  assertFit(recipe: Recipe): void {
    const { unet, checkpoint } = this.options;
    if (checkpoint !== undefined) {
      assertCheckpoint(this.openFile(checkpoint), checkpoint, unet === undefined);
    }
    if (unet !== undefined) assertUnet(this.openFile(unet), unet);
    assertMarkers(this.unetCheckpoint(), this.unetFile(), recipe);
  }

  private unetFile(): string {
    const { unet, checkpoint } = this.options;
    return unet ?? checkpoint ?? this.repository.weightsOf('unet');
  }

  /** Which file each part was found in, by where it came from. */
  parts(): Record<string, string> {
    const { originOf = (file) => file } = this.options;
    return Object.fromEntries([...this.files].map(([part, file]) => [part, originOf(file)]));
  }

  close(): void {
    for (const checkpoint of this.open.values()) checkpoint.close();
  }

  /** The part's tensors, under the names of diffusers, whichever layout their file has. */
  private openPart(part: Part): { file: string; checkpoint: Checkpoint } {
    const { unet, checkpoint: whole } = this.options;
    if (whole !== undefined && !(part === 'unet' && unet !== undefined)) {
      const view = singleFilePart(this.openFile(whole), part);
      if (view !== undefined) return { file: whole, checkpoint: view };
    }
    const file = part === 'unet' && unet !== undefined ? unet : this.repository.weightsOf(part);
    const checkpoint = this.openFile(file);
    return { file, checkpoint: singleFilePart(checkpoint, part) ?? checkpoint };
  }

  private openFile(file: string): Checkpoint {
    const checkpoint = this.open.get(file) ?? unwrapped(openCheckpoint(file));
    this.open.set(file, checkpoint);
    return checkpoint;
  }
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
  const run = { folder, config: config.vae, sourceOf, file: job.sources.fileOf('vae'), signal };
  const calibration = options.dtype === 'fp32' ? undefined : await calibrateVae(run);
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
  const manifest = makeManifest(job, { graphs: sets, calibration, files: writer.files });
  await writer.put(MANIFEST_FILE, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  signal?.throwIfAborted();
  return manifest;
}

interface Written extends Pick<Manifest, 'graphs' | 'files'> {
  readonly calibration: Calibration | undefined;
}

function makeManifest(job: Job, { graphs, calibration, files }: Written): Manifest {
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
    text: {
      contextChannels: config.unet.contextChannels,
      pooledChannels: config.clip[1].projection_dim,
      tokenizers: config.tokenizers,
    },
    recipe,
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
