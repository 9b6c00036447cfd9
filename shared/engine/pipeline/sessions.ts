import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { defined } from '#shared/core/defined.ts';
import { AppError, assert } from '#shared/core/errors.ts';
import {
  type AnyGraphName,
  GRAPH_NAMES,
  type Manifest,
  readManifest,
} from '#shared/engine/package/manifest.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';
import { assertCuda, explainCuda } from './cuda.ts';
import { couldOverflow } from './integer-products.ts';
import { availableProcessors } from './processors.ts';
import { readPackageAhead } from './read-ahead.ts';

export type Device = 'cpu' | 'cuda';

export interface SessionOptions {
  readonly device: Device;
  /** Threads per operator, at most one per processor; default: one per usable processor. */
  readonly threads?: number | undefined;
  /**
   * Keep the memory of an image larger than the model's own size; otherwise the graph is reloaded
   * after each such image to release it. For short-lived processes.
   */
  readonly keepMemory?: boolean | undefined;
  /**
   * Whether threads spin while they wait for each other (default: yes). It saves a tenth of the time
   * on an idle machine, and costs several times that on one shared with a server.
   */
  readonly spin?: boolean | undefined;
  /** Folder for ONNX Runtime's profiles: a file for each session, named by its graph, once it is released. */
  readonly profile?: string | undefined;
}

/** A tensor at a graph's edge. */
export interface EdgeTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** The model's three loaded graphs. One run at a time; a run blocks this thread until it ends. */
export interface ModelSessions {
  run(
    graph: AnyGraphName,
    inputs: Readonly<Record<string, EdgeTensor>>,
  ): Promise<Readonly<Record<string, EdgeTensor>>>;
  /** ONNX Runtime's version. */
  readonly runtimeVersion: string;
  close(): Promise<void>;
}

/**
 * Environment of a long-lived process that runs the model, for glibc: large blocks of memory return to
 * the system when freed, and use huge pages, which are faster to map.
 */
export const ALLOCATOR_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(64 * 2 ** 20),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

/**
 * Larger weights stay in the file's page cache. Prepacking would copy them to the heap and double the
 * memory of a large UNet; small ones run a third faster with it.
 */
const PREPACK_LIMIT_BYTES = 512 * 2 ** 20;

/**
 * Loads the graphs of a model package for one device.
 *
 * A graph for CUDA never falls back to the CPU silently: without its provider no session is created,
 * and no other provider has kernels for its convolutions and norms.
 *
 * @throws AppError `invalid-request` if the package has no graphs for the device, `unavailable` if
 *   there is no such device, `model-error` if ONNX Runtime refuses a graph
 */
export async function loadSessions(
  folder: string,
  manifest: Manifest,
  options: SessionOptions,
): Promise<ModelSessions> {
  const graphs = manifest.graphs[options.device];
  if (graphs === undefined) {
    throw new AppError(
      'invalid-request',
      `${folder} has no graphs for ${options.device}; import the model again with "--dtype fp16".`,
    );
  }
  if (options.device === 'cuda') assertCuda();
  const ort = await loadOnnxRuntime();
  const ahead = readPackageAhead(folder, manifest);
  const sessions = new Map<AnyGraphName, InferenceSession>();
  const graphOf = (name: AnyGraphName) => {
    const graph = graphs[name];
    assert(graph !== undefined, `the package has a ${name} graph`);
    return graph;
  };
  const open = async (name: AnyGraphName, file = graphOf(name).file): Promise<InferenceSession> => {
    const path = join(folder, file);
    try {
      const settings = {
        ...runtimeOptions(options, graphOf(name).weightBytes),
        ...profiling(options, name),
      };
      const session = await ort.InferenceSession.create(path, settings);
      // After the graph was opened: a package replaced before or meanwhile shows by now.
      if (digestOnDisk(folder) === manifest.digest) return session;
      await session.release();
    } catch (cause) {
      // Another package may lack the graph.
      if (digestOnDisk(folder) === manifest.digest) {
        const text = `${file} cannot be loaded: ${explainCuda(messageOf(cause))}`;
        throw new AppError('model-error', text, { cause });
      }
    }
    throw replaced(manifest);
  };
  let isClosed = false;
  const close = async (): Promise<void> => {
    isClosed = true;
    ahead?.stop();
    for (const session of sessions.values()) await session.release();
    sessions.clear();
  };
  try {
    for (const name of GRAPH_NAMES) sessions.set(name, await open(name));
    if (graphs.draft !== undefined) sessions.set('draft', await open('draft'));
  } catch (error) {
    await close();
    throw error;
  }

  return {
    runtimeVersion: ort.env.versions.node ?? ort.env.versions.common,
    close,
    async run(name, inputs) {
      if (isClosed) throw new AppError('model-error', 'The model is closed.');
      // One that could not be opened again the last time is tried anew.
      const session = sessions.get(name) ?? (await open(name));
      sessions.set(name, session);
      const feeds: Record<string, Tensor> = {};
      for (const [input, { data, dims }] of Object.entries(inputs)) {
        feeds[input] = new ort.Tensor(elementType(data), data, dims);
      }
      try {
        const { small, weightBytes } = graphOf(name);
        if (small !== undefined && rowsOfLatents(inputs) < small.belowRows) {
          return await runOnce(await open(name, small.file), feeds);
        }
        const outputs = await session.run(feeds);
        const isLarge = latentValues(inputs) > ownLatentValues(manifest);
        const keep = options.keepMemory === true || isSlowToLoad(options, weightBytes);
        if (!isLarge || keep) return edgeTensors(outputs);
        // The arena never shrinks, and a run's outputs lie in it.
        const copies = copiesOf(outputs);
        sessions.delete(name);
        await session.release();
        sessions.set(name, await open(name));
        return copies;
      } catch (cause) {
        throw cause instanceof AppError ? cause : runError(name, cause);
      }
    },
  };
}

/** The digest of the package that is there now; undefined if there is none, as while it is replaced. */
function digestOnDisk(folder: string): string | undefined {
  try {
    return readManifest(folder).digest;
  } catch {
    return undefined;
  }
}

/** The package on the disk is no longer the one that was loaded. */
export const replaced = ({ name }: Pick<Manifest, 'name'>): AppError =>
  new AppError(
    'model-error',
    `The package of ${name} was replaced while it was in use; order again.`,
  );

/** Runs a graph and releases it. */
async function runOnce(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
): Promise<Readonly<Record<string, EdgeTensor>>> {
  try {
    return copiesOf(await session.run(feeds));
  } finally {
    await session.release();
  }
}

/**
 * A UNet's gigabytes take seconds to reach a GPU, and its activations are small compared with the
 * VAE's; on a CPU its weights are not even copied.
 */
const isSlowToLoad = ({ device }: SessionOptions, weightBytes: number): boolean =>
  device === 'cuda' && weightBytes > PREPACK_LIMIT_BYTES;

/** How ONNX Runtime is to open a graph with this many bytes of weights. */
export function runtimeOptions(
  options: SessionOptions,
  weightBytes: number,
): InferenceSession.SessionOptions {
  const onCuda = options.device === 'cuda';
  return {
    executionProviders: [options.device],
    intraOpNumThreads: Math.min(options.threads ?? availableProcessors(), availableParallelism()),
    graphOptimizationLevel: 'all',
    // On CUDA it warns at every load that shapes are computed on the CPU, as they should be.
    ...defined({ logSeverityLevel: onCuda ? (3 as const) : undefined }),
    // Without the arena, every large activation is mapped anew: the VAE takes three times as long.
    enableCpuMemArena: true,
    // A memory pattern doubles the memory and is no faster.
    enableMemPattern: false,
    extra: {
      session: {
        // CUDA's NhwcConv copies nothing then, but learns only there that its weights lie channels last.
        disable_prepacking: !onCuda && weightBytes > PREPACK_LIMIT_BYTES ? '1' : '0',
        intra_op: { allow_spinning: options.spin === false ? '0' : '1' },
        // Sums of products of int8 that can't overflow; slower where none would.
        x64quantprecision: couldOverflow() ? '1' : '0',
        // An image would be dequantised anew for each layer that reads it.
        disable_quant_qdq: '1',
        // Weights outside the growing pool of activations.
        use_device_allocator_for_initializers: '1',
      },
    },
  };
}

/** Where a graph's session leaves its profile. */
const profiling = (
  { profile }: SessionOptions,
  graph: AnyGraphName,
): InferenceSession.SessionOptions =>
  profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: join(profile, graph) };

function elementType(data: EdgeTensor['data']): 'float32' | 'int32' | 'uint8' {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'uint8';
}

function edgeTensors(
  outputs: Readonly<Record<string, Tensor>>,
  keep = (data: EdgeTensor['data']): EdgeTensor['data'] => data,
): Record<string, EdgeTensor> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => [
      name,
      { data: keep(data as EdgeTensor['data']), dims },
    ]),
  );
}

const copiesOf = (outputs: Readonly<Record<string, Tensor>>): Record<string, EdgeTensor> =>
  edgeTensors(outputs, (data) => data.slice());

/** Rows of a graph's latents; the text encoders have none. */
const rowsOfLatents = (inputs: Readonly<Record<string, EdgeTensor>>): number =>
  (inputs['latents'] ?? inputs['x0'])?.dims[2] ?? Number.POSITIVE_INFINITY;

/** Values per image of a graph's latents; the text encoders have none. */
function latentValues(inputs: Readonly<Record<string, EdgeTensor>>): number {
  const latents = inputs['latents'] ?? inputs['x0'];
  // Per image, since only small images are batched.
  return latents === undefined ? 0 : latents.data.length / (latents.dims[0] ?? 1);
}

/** Values of the latents of one image of the model's own size. */
function ownLatentValues({ size, vae }: Manifest): number {
  const pixels = size.defaultWidth * size.defaultHeight;
  return (pixels / size.multiple ** 2) * vae.latentChannels;
}

function runError(graph: AnyGraphName, cause: unknown): AppError {
  const message = messageOf(cause);
  if (/out of memory|failed to allocate|bad_alloc|bad allocation/i.test(message)) {
    const text = `The ${graph} graph ran out of memory; ask for a smaller image.`;
    return new AppError('out-of-memory', text, { cause });
  }
  const text = `The ${graph} graph failed: ${explainCuda(message)}`;
  return new AppError('model-error', text, { cause });
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
