import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openCheckpoint } from '#shared/checkpoint/open-checkpoint.ts';
import { singleFilePart } from '#shared/checkpoint/single-file.ts';
import type { Checkpoint, LazyTensor } from '#shared/checkpoint/tensor.ts';
import { assert } from '#shared/core/errors.ts';
import { encodeModel, type Place } from '#shared/onnx/model-proto.ts';
import { cpuDialect } from '#shared/onnx/sdxl/cpu-dialect.ts';
import type { ModelGraph } from '#shared/onnx/sdxl/graphs.ts';
import { vaeFactor } from '#shared/onnx/sdxl/vae-config.ts';
import { type StoredTensor, tensorBytes } from '#shared/onnx/stored-tensor.ts';
import { buildGraphs, type ModelConfig, readModelConfig } from './build-graphs.ts';
import { readLicences } from './licences.ts';
import { LinkedSources } from './link-sources.ts';
import {
  GRAPH_NAMES,
  GRAPH_PORTS,
  type GraphName,
  type GraphSet,
  MANIFEST_FILE,
  type Manifest,
  ManifestSchema,
} from './manifest.ts';
import { makeFolder } from './new-folder.ts';
import { packageDigest } from './package-digest.ts';
import { PackageWriter } from './package-writer.ts';
import { openRepository, PARTS, type Part, type Repository } from './repository.ts';
import { resolveTensors } from './resolve-tensors.ts';
import { TOKENIZER_FILES } from './tokenizer-facts.ts';
import { layOutWeights, type OnBytes, writeWeights } from './weight-file.ts';

export interface ImportOptions {
  /** A folder laid out as stable-diffusion-xl-base-1.0 is. */
  readonly repository: string;
  /** A UNet checkpoint, safetensors or torch `.bin`, that takes the place of the repository's. */
  readonly unet?: string | undefined;
  /** A checkpoint with all parts in one file, in the original layout; its parts take precedence. */
  readonly checkpoint?: string | undefined;
  readonly dtype: 'fp32' | 'fp16';
  /** The folder of the new package; a package that is there already is replaced. */
  readonly out: string;
  readonly name: string;
  /** Whom clients name before the model's name. */
  readonly owner?: string | undefined;
  /** Share tensors that already fit with their source files instead of copying them. */
  readonly link?: boolean;
  /** Where the files came from, if the paths do not tell. */
  readonly source?: Manifest['source'] | undefined;
  /** Licences where the source's files do not state them. */
  readonly licences?: Manifest['licences'] | undefined;
  readonly processId: number;
  /** Stops the import; nothing is left behind. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: { bytes: number; of: number }) => void;
}

/** The latents' side where a UNet's config does not say it, as diffusers' SDXL pipeline has it. */
const DEFAULT_SAMPLE_SIZE = 128;
const STORED_TYPE = { fp32: 'FLOAT', fp16: 'FLOAT16' } as const;

/**
 * Makes a model package out of an SDXL repository: reads its configurations, builds the graphs,
 * converts the weights. The package appears whole or not at all.
 *
 * @throws AppError, FormatError naming the file, field or tensor at fault
 */
export async function importModel(options: ImportOptions): Promise<Manifest> {
  const repository = openRepository(options.repository);
  const config = readModelConfig(repository);
  const graphs = buildGraphs(config, cpuDialect, STORED_TYPE[options.dtype]);
  const sources = new SourceTensors(repository, options);
  try {
    for (const name of GRAPH_NAMES) sources.resolve(graphs[name]);
    return await makeFolder(options.out, options.processId, (folder) =>
      writePackage(folder, { options, repository, config, graphs, sources }),
    );
  } finally {
    sources.close();
  }
}

/** The checkpoints of all parts, opened as they are needed. */
class SourceTensors {
  private readonly repository: Repository;
  private readonly options: ImportOptions;
  private readonly open: Checkpoint[] = [];
  private readonly found = new Map<string, ReadonlyMap<string, LazyTensor>>();

  constructor(repository: Repository, options: ImportOptions) {
    this.repository = repository;
    this.options = options;
  }

  /** Finds all that a graph asks for. @throws FormatError naming what is missing or wrong */
  resolve({ scopes }: ModelGraph): void {
    for (const scope of scopes) {
      const part = PARTS.find((known) => known === scope.part);
      assert(part !== undefined, `${scope.part} is a part of a repository`);
      const { file, checkpoint } = this.openPart(part);
      this.found.set(part, resolveTensors(part, checkpoint, scope.asked, file));
    }
  }

  of(tensor: StoredTensor): readonly LazyTensor[] {
    return tensor.sources.map(({ part, name }) => {
      const found = this.found.get(part)?.get(name);
      assert(found !== undefined, `${name} of ${part} is resolved`);
      return found;
    });
  }

  close(): void {
    for (const checkpoint of this.open) checkpoint.close();
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
    const checkpoint = openCheckpoint(file);
    this.open.push(checkpoint);
    return checkpoint;
  }
}

interface Job {
  readonly options: ImportOptions;
  readonly repository: Repository;
  readonly config: ModelConfig;
  readonly graphs: Record<GraphName, ModelGraph>;
  readonly sources: SourceTensors;
}

async function writePackage(folder: string, job: Job): Promise<Manifest> {
  const { options, repository, config } = job;
  const writer = new PackageWriter(folder);
  const cpu = await writeGraphs(writer, job);
  for (const { folder: name } of config.tokenizers) {
    for (const file of TOKENIZER_FILES) {
      if (!repository.has(name, file)) continue;
      await writer.put(`${name}/${file}`, readFileSync(repository.pathOf(name, file)));
    }
  }
  const manifest = makeManifest(job, cpu, writer.files);
  await writer.put(
    MANIFEST_FILE,
    new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`),
  );
  options.signal?.throwIfAborted();
  return manifest;
}

/** Writes the weight files and the graphs that refer to them. */
async function writeGraphs(writer: PackageWriter, job: Job): Promise<GraphSet> {
  const { options, graphs, sources } = job;
  const linked = new LinkedSources();
  const plans = GRAPH_NAMES.map((name) => planGraph(name, graphs[name], job, linked));
  const of = plans.reduce((sum, { layout }) => sum + layout.sizeBytes, 0);
  let bytes = 0;
  const onBytes: OnBytes = (count) => {
    options.signal?.throwIfAborted();
    bytes += count;
    options.onProgress?.({ bytes, of });
  };
  for (const { name, layout, places } of plans) {
    if (layout.tensors.length > 0) {
      const file = await writer.create(weightFileName(name));
      try {
        await writeWeights(layout, file, (tensor) => sources.of(tensor), onBytes);
      } finally {
        await file.close();
      }
    }
    const locate = (tensor: StoredTensor): Place => {
      const place = places.get(tensor.name);
      assert(place !== undefined, `${tensor.name} has a place`);
      return place;
    };
    await writer.put(`${name}.onnx`, encodeModel(graphs[name].graph, locate));
  }
  await linked.writeTo(writer);
  const entry = <N extends GraphName>(name: N) => ({
    file: `${name}.onnx`,
    weightBytes: plans.find((plan) => plan.name === name)?.weightBytes ?? 0,
    inputs: [...GRAPH_PORTS[name].inputs],
    outputs: [...GRAPH_PORTS[name].outputs],
  });
  return {
    dialect: 'cpu-fp32',
    text: entry('text'),
    unet: entry('unet'),
    vae: entry('vae'),
  } as GraphSet;
}

const weightFileName = (graph: GraphName): string => `${graph}.safetensors`;

/** Decides where each tensor of a graph will lie. */
function planGraph(name: GraphName, { graph }: ModelGraph, job: Job, linked: LinkedSources) {
  const places = new Map<string, Place>();
  const copied = new Map<string, StoredTensor>();
  let weightBytes = 0;
  for (const { value } of graph.stored) {
    assert(value.origin.kind === 'stored', 'a stored value is stored');
    const { tensor } = value.origin;
    if (places.has(tensor.name) || copied.has(tensor.name)) continue;
    const [source] = job.sources.of(tensor);
    const place =
      job.options.link && source !== undefined ? linked.place(tensor, source) : undefined;
    if (place === undefined) copied.set(tensor.name, tensor);
    else places.set(tensor.name, place);
    weightBytes += tensorBytes(tensor);
  }
  const layout = layOutWeights([...copied.values()]);
  for (const [tensor, offset] of layout.offsets) {
    places.set(tensor, { file: weightFileName(name), offset });
  }
  return { name, layout, places, weightBytes };
}

function makeManifest(job: Job, cpu: GraphSet, files: Manifest['files']): Manifest {
  const { options, config } = job;
  const multiple = vaeFactor(config.vae);
  const side = (config.unet.sample_size ?? DEFAULT_SAMPLE_SIZE) * multiple;
  return ManifestSchema.parse({
    format: 'onestep-model/1',
    name: options.name,
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    digest: packageDigest(files),
    dtype: options.dtype,
    graphs: { cpu },
    size: { defaultWidth: side, defaultHeight: side, multiple },
    vae: {
      scalingFactor: config.vae.scaling_factor,
      latentChannels: config.vae.latent_channels,
    },
    text: {
      contextChannels: config.unet.contextChannels,
      pooledChannels: config.clip[1].projection_dim,
      tokenizers: config.tokenizers,
    },
    schedule: {
      timestep: config.step.timestep,
      sqrtAlpha: config.step.sqrtAlpha,
      sqrtOneMinusAlpha: config.step.sqrtOneMinusAlpha,
    },
    source: options.source ?? {
      repository: options.repository,
      ...(options.unet === undefined ? {} : { unet: options.unet }),
    },
    licences: options.licences ?? [
      ...readLicences(options.repository, 'repository'),
      ...(options.unet === undefined ? [] : readLicences(dirname(options.unet), 'unet')),
    ],
    files,
  });
}
