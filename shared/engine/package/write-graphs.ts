import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import { encodeModel, type Place } from '#shared/engine/onnx/model-proto.ts';
import { MIN_BANDED_LATENTS } from '#shared/engine/onnx/sdxl/bands.ts';
import type { ModelGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import { type StoredTensor, tensorBytes } from '#shared/engine/onnx/stored-tensor.ts';
import type { DeviceGraphs, ModelGraphs } from './build-graphs.ts';
import { LinkedSources } from './link-sources.ts';
import { type AnyGraphName, GRAPH_NAMES, GRAPH_PORTS, type GraphSet } from './manifest.ts';
import type { PackageWriter } from './package-writer.ts';
import {
  assertFiniteSource,
  layOutWeights,
  type SourceOf,
  type WeightLayout,
  writeWeights,
} from './weight-file.ts';

export interface WriteOptions {
  readonly cpuDialect: 'cpu-fp32' | 'cpu-int8';
  readonly sourceOf: SourceOf;
  /** Whether tensors that fit are shared with their source files. */
  readonly link: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: { bytes: number; of: number }) => void) | undefined;
}

/** Writes the weight files of a package and the graphs that refer to them. */
export async function writeGraphs(
  writer: PackageWriter,
  graphs: DeviceGraphs,
  options: WriteOptions,
): Promise<{ cpu: GraphSet; cuda?: GraphSet }> {
  const linked = new LinkedSources();
  const plans = namesOf(graphs.cpu).map((name) => planWeights(name, graphs, options, linked));
  const of = plans.reduce((sum, { layout }) => sum + layout.sizeBytes, 0);
  await writer.assertRoom(of);
  // First, since it fails at once if links can't be made.
  await linked.writeTo(writer);
  let bytes = 0;
  const onBytes = (count: number) => {
    options.signal?.throwIfAborted();
    bytes += count;
    options.onProgress?.({ bytes, of });
  };
  for (const { name, layout } of plans) {
    if (layout.tensors.length === 0) continue;
    await writer.create(weightFileName(name), layout.sizeBytes, (file) =>
      writeWeights(layout, file, options.sourceOf, onBytes),
    );
  }
  const places = new Map(plans.map(({ name, places: found }) => [name, found]));
  const cpu = await writeSet(writer, options.cpuDialect, graphs.cpu, places);
  if (graphs.cuda === undefined) return { cpu };
  return { cpu, cuda: await writeSet(writer, 'cuda-fp16', graphs.cuda, places) };
}

const weightFileName = (graph: AnyGraphName): string => `${graph}.safetensors`;

interface WeightPlan {
  readonly name: AnyGraphName;
  /** What will be written; the rest is linked. */
  readonly layout: WeightLayout;
  readonly places: ReadonlyMap<string, Place>;
}

/** Decides where each tensor of the graphs of one name will lie. */
function planWeights(
  name: AnyGraphName,
  graphs: DeviceGraphs,
  { sourceOf, link }: WriteOptions,
  linked: LinkedSources,
): WeightPlan {
  const places = new Map<string, Place>();
  const copied: StoredTensor[] = [];
  for (const tensor of tensorsOf(name, graphs)) {
    const source = sourceOf(tensor);
    const place = link ? linked.place(tensor, source) : undefined;
    if (place === undefined) {
      copied.push(tensor);
      continue;
    }
    assertFiniteSource(tensor, source);
    places.set(tensor.name, place);
  }
  const layout = layOutWeights(copied);
  for (const [tensor, offset] of layout.offsets) {
    places.set(tensor, { file: weightFileName(name), offset });
  }
  return { name, layout, places };
}

/** The graphs that a package has. */
const namesOf = ({ draft }: ModelGraphs): readonly AnyGraphName[] =>
  draft === undefined ? GRAPH_NAMES : [...GRAPH_NAMES, 'draft'];

function graphOf(graphs: ModelGraphs, name: AnyGraphName): ModelGraph {
  const graph = graphs[name];
  assert(graph !== undefined, `there is a ${name} graph`);
  return graph;
}

/** How many bytes the weights of all graphs take if none is linked. */
export function weightBytes(graphs: DeviceGraphs): number {
  const tensors = namesOf(graphs.cpu).flatMap((name) => tensorsOf(name, graphs));
  return tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
}

/** Every tensor that the graphs of one name store, once. */
function tensorsOf(name: AnyGraphName, { cpu, cuda }: DeviceGraphs): readonly StoredTensor[] {
  const tensors = new Map<string, StoredTensor>();
  for (const device of cuda === undefined ? [cpu] : [cpu, cuda]) {
    const graph = device[name];
    for (const tensor of graph === undefined ? [] : storedTensors(graph)) {
      tensors.set(tensor.name, tensor);
    }
  }
  return [...tensors.values()];
}

/** Every tensor that a graph stores, once. */
export function storedTensors({ graph }: Pick<ModelGraph, 'graph'>): readonly StoredTensor[] {
  const tensors = new Map<string, StoredTensor>();
  for (const { value } of graph.stored) {
    assert(value.origin.kind === 'stored', 'a stored value is stored');
    tensors.set(value.origin.tensor.name, value.origin.tensor);
  }
  return [...tensors.values()];
}

async function writeSet(
  writer: PackageWriter,
  dialect: GraphSet['dialect'],
  graphs: ModelGraphs,
  places: ReadonlyMap<AnyGraphName, ReadonlyMap<string, Place>>,
): Promise<GraphSet> {
  const fileName = (name: AnyGraphName) =>
    dialect === 'cuda-fp16' ? `${name}.cuda.onnx` : `${name}.onnx`;
  const smallFile = (name: AnyGraphName) => fileName(name).replace('.', '.small.');
  for (const name of namesOf(graphs)) {
    const locate = (tensor: StoredTensor): Place => {
      const place = places.get(name)?.get(tensor.name);
      assert(place !== undefined, `${tensor.name} has a place`);
      return place;
    };
    const { graph, small } = graphOf(graphs, name);
    const options = { stateShapes: dialect !== 'cuda-fp16' && name === 'unet' };
    await writer.put(fileName(name), encodeModel(graph, locate, options));
    if (small !== undefined) await writer.put(smallFile(name), encodeModel(small, locate));
  }
  const entry = <N extends AnyGraphName>(name: N) => ({
    file: fileName(name),
    ...defined({
      small: graphOf(graphs, name).small && {
        file: smallFile(name),
        belowRows: MIN_BANDED_LATENTS,
      },
    }),
    weightBytes: storedTensors(graphOf(graphs, name)).reduce(
      (sum, tensor) => sum + tensorBytes(tensor),
      0,
    ),
    inputs: [...GRAPH_PORTS[name].inputs] as (typeof GRAPH_PORTS)[N]['inputs'][number][],
    outputs: [...GRAPH_PORTS[name].outputs] as (typeof GRAPH_PORTS)[N]['outputs'][number][],
  });
  return {
    dialect,
    text: entry('text'),
    unet: entry('unet'),
    vae: entry('vae'),
    ...defined({ draft: graphs.draft && entry('draft') }),
  };
}
