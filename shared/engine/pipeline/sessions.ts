import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError } from '#shared/core/errors.ts';
import { GRAPH_NAMES, type GraphName, type Manifest } from '#shared/engine/package/manifest.ts';
import { loadOnnxRuntime } from '#shared/engine/package/onnx-runtime.ts';
import { assertCuda, explainCuda } from './cuda.ts';
import { readPackageAhead } from './read-ahead.ts';

export type Device = 'cpu' | 'cuda';

export interface SessionOptions {
  readonly device: Device;
  /** Threads of one operator; default: as many as there are processors. */
  readonly threads?: number | undefined;
  /**
   * Keep the memory that an image above the model's own size took; otherwise it is given back after
   * each such image by loading the graph anew. For processes that end soon.
   */
  readonly keepMemory?: boolean | undefined;
  /**
   * Whether threads that wait for each other keep their processors busy (default: yes). It saves a
   * tenth of the time on an idle machine, and costs several times that where a server shares it.
   */
  readonly spin?: boolean | undefined;
}

/** A tensor at a graph's edge. */
export interface EdgeTensor {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** The model's three graphs, loaded. One run at a time; a run blocks this thread until it is done. */
export interface ModelSessions {
  run(
    graph: GraphName,
    inputs: Readonly<Record<string, EdgeTensor>>,
  ): Promise<Readonly<Record<string, EdgeTensor>>>;
  /** ONNX Runtime's version. */
  readonly runtimeVersion: string;
  close(): Promise<void>;
}

/**
 * Environment of a long-lived process that runs the model, for glibc: large pieces of memory go back
 * to the system when they are freed, and are taken in huge pages, which are quicker to map.
 */
export const ALLOCATOR_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(64 * 2 ** 20),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

/**
 * Weights beyond this stay as they lie in the file's page cache. Prepacking would copy them into
 * the heap, twice the memory of a large UNet; small ones gain a third of their speed by it.
 */
const PREPACK_LIMIT_BYTES = 512 * 2 ** 20;

/**
 * Loads the graphs of a model package for one device.
 *
 * A graph for CUDA can't run on the CPU unnoticed: without its provider no session is made, and no
 * other has kernels for its convolutions and norms.
 *
 * @throws AppError `invalid-request` when the package has no graphs for the device, `unavailable`
 *   when there is no such device, `model-error` when ONNX Runtime refuses a graph
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
  const sessions = new Map<GraphName, InferenceSession>();
  const open = async (name: GraphName, file = graphs[name].file): Promise<InferenceSession> => {
    const path = join(folder, file);
    try {
      const settings = runtimeOptions(options, graphs[name].weightBytes);
      return await ort.InferenceSession.create(path, settings);
    } catch (cause) {
      throw new AppError(
        'model-error',
        `${path} cannot be loaded: ${explainCuda(messageOf(cause))}`,
        { cause },
      );
    }
  };
  const close = async (): Promise<void> => {
    ahead?.stop();
    for (const session of sessions.values()) await session.release();
    sessions.clear();
  };
  try {
    for (const name of GRAPH_NAMES) sessions.set(name, await open(name));
  } catch (error) {
    await close();
    throw error;
  }

  return {
    runtimeVersion: ort.env.versions.node ?? ort.env.versions.common,
    close,
    async run(name, inputs) {
      const session = sessions.get(name);
      if (session === undefined) throw new AppError('model-error', 'The model is closed.');
      const feeds: Record<string, Tensor> = {};
      for (const [input, { data, dims }] of Object.entries(inputs)) {
        feeds[input] = new ort.Tensor(elementType(data), data, dims);
      }
      try {
        const { small, weightBytes } = graphs[name];
        if (small !== undefined && rowsOfLatents(inputs) < small.belowRows) {
          return await runOnce(await open(name, small.file), feeds);
        }
        const outputs = await session.run(feeds);
        const isLarge = latentValues(inputs) > ownLatentValues(manifest);
        const keep = options.keepMemory === true || isSlowToLoad(options, weightBytes);
        if (!isLarge || keep) return edgeTensors(outputs);
        // The arena never shrinks, and what comes out of a run lies in it.
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

/** Runs a graph that is needed once. */
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
 * A UNet's gigabytes take seconds to reach a GPU, and its activations are few beside the VAE's; on a
 * CPU they are not even copied.
 */
const isSlowToLoad = ({ device }: SessionOptions, weightBytes: number): boolean =>
  device === 'cuda' && weightBytes > PREPACK_LIMIT_BYTES;

function runtimeOptions(
  options: SessionOptions,
  weightBytes: number,
): InferenceSession.SessionOptions {
  const large = weightBytes > PREPACK_LIMIT_BYTES;
  return {
    executionProviders: options.device === 'cuda' ? ['cuda'] : ['cpu'],
    intraOpNumThreads: options.threads ?? availableParallelism(),
    graphOptimizationLevel: 'all',
    // On CUDA it warns at every load that shapes are computed on the CPU, where they belong.
    ...(options.device === 'cuda' ? { logSeverityLevel: 3 as const } : {}),
    // Without the arena, every large activation is mapped anew: three times the VAE's time.
    enableCpuMemArena: true,
    // A pattern would be held beside the arena: twice the memory, and no faster.
    enableMemPattern: false,
    extra: {
      session: {
        disable_prepacking: large ? '1' : '0',
        intra_op: { allow_spinning: options.spin === false ? '0' : '1' },
        // Weights outside the growing pool of activations.
        use_device_allocator_for_initializers: '1',
      },
    },
  };
}

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

/** Rows of the latents that go into a graph; none go into the text encoders. */
const rowsOfLatents = (inputs: Readonly<Record<string, EdgeTensor>>): number =>
  (inputs['latents'] ?? inputs['x0'])?.dims[2] ?? Number.POSITIVE_INFINITY;

/** Values of one image's latents that go into a graph; none go into the text encoders. */
function latentValues(inputs: Readonly<Record<string, EdgeTensor>>): number {
  const latents = inputs['latents'] ?? inputs['x0'];
  // A batch does not count as a large image: only small ones are batched.
  return latents === undefined ? 0 : latents.data.length / (latents.dims[0] ?? 1);
}

/** Values of the latents of one image of the model's own size. */
function ownLatentValues({ size, vae }: Manifest): number {
  const pixels = size.defaultWidth * size.defaultHeight;
  return (pixels / size.multiple ** 2) * vae.latentChannels;
}

function runError(graph: GraphName, cause: unknown): AppError {
  const message = messageOf(cause);
  if (/out of memory|failed to allocate|bad_alloc|bad allocation/i.test(message)) {
    return new AppError(
      'out-of-memory',
      `The ${graph} graph ran out of memory; ask for a smaller image.`,
      {
        cause,
      },
    );
  }
  return new AppError('model-error', `The ${graph} graph failed: ${explainCuda(message)}`, {
    cause,
  });
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
