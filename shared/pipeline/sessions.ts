import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { AppError } from '#shared/core/errors.ts';
import { GRAPH_NAMES, type GraphName, type Manifest } from '#shared/model/manifest.ts';

export type Device = 'cpu' | 'cuda';

export interface SessionOptions {
  readonly device: Device;
  /** Threads of one operator; default: as many as there are processors. */
  readonly threads?: number | undefined;
  /**
   * Keep the memory of activations for the next run: a third faster on small models, but what the
   * largest image took is never given back. For processes that end soon.
   */
  readonly keepMemory?: boolean | undefined;
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
 * Environment of a long-lived process that runs the model, for glibc. Without the arena, activations
 * come from malloc: small ones are kept for the next run, large ones go back to the system and are
 * taken in huge pages, or every run would pay for mapping them anew.
 */
export const ALLOCATOR_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(256 * 2 ** 20),
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
 * @throws AppError `invalid-request` when the package has no graphs for the device, `model-error`
 *   when ONNX Runtime refuses one (damaged files, a missing provider)
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
  const ort = await import('onnxruntime-node');
  const sessions = new Map<GraphName, InferenceSession>();
  const close = async (): Promise<void> => {
    for (const session of sessions.values()) await session.release();
    sessions.clear();
  };
  for (const name of GRAPH_NAMES) {
    const graph = graphs[name];
    const path = join(folder, graph.file);
    try {
      const session = await ort.InferenceSession.create(
        path,
        runtimeOptions(options, graph.weightBytes),
      );
      sessions.set(name, session);
    } catch (cause) {
      await close();
      throw new AppError('model-error', `${path} cannot be loaded: ${messageOf(cause)}`, { cause });
    }
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
        const outputs = await session.run(feeds);
        return Object.fromEntries(
          Object.entries(outputs).map(([output, tensor]) => [output, edgeTensor(tensor)]),
        );
      } catch (cause) {
        throw runError(name, cause);
      }
    },
  };
}

function runtimeOptions(
  options: SessionOptions,
  weightBytes: number,
): InferenceSession.SessionOptions {
  const large = weightBytes > PREPACK_LIMIT_BYTES;
  return {
    executionProviders: options.device === 'cuda' ? ['cuda'] : ['cpu'],
    intraOpNumThreads: options.threads ?? availableParallelism(),
    graphOptimizationLevel: 'all',
    enableCpuMemArena: options.keepMemory === true && !large,
    enableMemPattern: options.keepMemory === true && !large,
    extra: {
      session: {
        disable_prepacking: large ? '1' : '0',
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

function edgeTensor(tensor: Tensor): EdgeTensor {
  return { data: tensor.data as EdgeTensor['data'], dims: tensor.dims };
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
  return new AppError('model-error', `The ${graph} graph failed: ${message}`, { cause });
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
