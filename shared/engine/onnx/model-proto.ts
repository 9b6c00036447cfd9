import { assert } from '#shared/core/errors.ts';
import { ProtobufWriter } from '#shared/engine/bytes/protobuf.ts';
import { ELEMENT_BYTES, ELEMENT_TYPE } from './element-type.ts';
import { buildGraph, type Graph, type Named, type NamedNode } from './graph.ts';
import { elementCount, UNKNOWN } from './shape.ts';
import { type NamedType, statedShapes } from './stated-shapes.ts';
import type { StoredTensor } from './stored-tensor.ts';
import { type Attribute, input, type Node } from './value.ts';

/** Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */

const IR_VERSION = 10;
const OPSETS = { '': 21, 'com.microsoft': 1 } as const;
/** The domain of functions that stand for operators without a kernel. */
const FUNCTION_DOMAIN = 'onestep';
const DATA_LOCATION_EXTERNAL = 1;
const ATTRIBUTE = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, FLOATS: 6, INTS: 7 } as const;

/** Where a stored tensor lies: a file beside the model, and the byte at which it begins. */
export interface Place {
  readonly file: string;
  readonly offset: number;
}

export interface EncodeOptions {
  /**
   * Write operators that have a body as functions of the model, for devices without a kernel for
   * them. Default: as operators.
   */
  readonly expandBodies?: boolean;
  /**
   * State the shapes of values between the nodes, which makes a session open sooner. Default: only
   * those of inputs and outputs.
   */
  readonly stateShapes?: boolean;
}

/**
 * Encodes a graph as an ONNX model whose stored tensors lie in other files.
 *
 * @param locate tells where each stored tensor lies; any byte offset is fine
 */
export function encodeModel(
  graph: Graph,
  locate: (tensor: StoredTensor) => Place,
  { expandBodies = false, stateShapes = false }: EncodeOptions = {},
): Uint8Array {
  const functions = new Functions();
  const nodes = expandBodies ? graph.nodes.map((node) => functions.replace(node)) : graph.nodes;
  const model = new ProtobufWriter().int(1, IR_VERSION).string(2, 'onestep');
  model.message(7, (proto) => {
    writeGraph(proto, { ...graph, nodes }, locate);
    if (!stateShapes) return;
    for (const value of statedShapes(graph)) {
      proto.message(13, (info) => writeValueInfo(info, value));
    }
  });
  const domains = expandBodies ? { ...OPSETS, [FUNCTION_DOMAIN]: 1 } : OPSETS;
  writeOpsets(model, 8, domains);
  for (const [name, body] of functions.bodies) {
    model.message(25, (proto) => writeFunction(proto, name, body));
  }
  return model.finish();
}

/** Functions of a model: one for each operator with a body, its attributes and kinds of inputs. */
class Functions {
  readonly bodies = new Map<string, Graph>();
  private readonly names = new Map<string, string>();

  /** The node as a call of a function, if it has a body. */
  replace(named: NamedNode): NamedNode {
    const { node } = named;
    if (node.body === undefined) return named;
    const kinds = node.inputs.map((value) => `${value?.type} ${value?.shape.join()}`);
    const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}=${value}`);
    const key = [node.opType, ...attributes, ...kinds].join(';');
    const name = this.names.get(key) ?? `${node.opType}_${this.names.size}`;
    if (!this.names.has(key)) {
      this.names.set(key, name);
      this.bodies.set(name, bodyOf(node, name));
    }
    return {
      ...named,
      node: { ...node, domain: FUNCTION_DOMAIN, opType: name, attributes: {} },
    };
  }
}

function bodyOf(node: Node, name: string): Graph {
  const inputs = node.inputs.map((value, index) => {
    assert(value !== undefined, `${name} is given all its inputs`);
    return input(`input_${index}`, value.type, value.shape);
  });
  const outputs = node.body?.(inputs) ?? [];
  const named = outputs.map((value, index) => [`output_${index}`, value] as const);
  return buildGraph(name, inputs, Object.fromEntries(named));
}

function writeFunction(proto: ProtobufWriter, name: string, body: Graph): void {
  assert(body.stored.length === 0, `${name} stores nothing`);
  proto.string(1, name);
  for (const value of body.inputs) proto.string(4, value.name);
  for (const value of body.outputs) proto.string(5, value.name);
  for (const constant of body.constants) {
    // A function has no initializers: its constants are nodes.
    proto.message(7, (node) =>
      node
        .string(2, constant.name)
        .string(4, 'Constant')
        .message(5, (attribute) =>
          attribute
            .string(1, 'value')
            .message(5, (tensor) => writeConstant(tensor, constant))
            .int(20, ATTRIBUTE.TENSOR),
        ),
    );
  }
  for (const node of body.nodes) proto.message(7, (inner) => writeNode(inner, node));
  writeOpsets(proto, 9, OPSETS);
  proto.string(10, FUNCTION_DOMAIN);
}

function writeOpsets(
  proto: ProtobufWriter,
  field: number,
  opsets: Readonly<Record<string, number>>,
): void {
  for (const [domain, version] of Object.entries(opsets)) {
    proto.message(field, (opset) => opset.string(1, domain).int(2, version));
  }
}

function writeGraph(
  proto: ProtobufWriter,
  graph: Graph,
  locate: (tensor: StoredTensor) => Place,
): void {
  for (const node of graph.nodes) proto.message(1, (inner) => writeNode(inner, node));
  proto.string(2, graph.name);
  for (const constant of graph.constants) {
    proto.message(5, (tensor) => writeConstant(tensor, constant));
  }
  for (const entry of graph.stored) {
    proto.message(5, (tensor) => writeStored(tensor, entry, locate));
  }
  for (const value of graph.inputs) proto.message(11, (info) => writeValueInfo(info, value));
  for (const value of graph.outputs) proto.message(12, (info) => writeValueInfo(info, value));
}

function writeNode(proto: ProtobufWriter, { name, node, inputs, outputs }: NamedNode): void {
  for (const value of inputs) proto.string(1, value);
  for (const value of outputs) proto.string(2, value);
  proto.string(3, name).string(4, node.opType);
  for (const [key, value] of Object.entries(node.attributes)) {
    proto.message(5, (attribute) => writeAttribute(attribute.string(1, key), value));
  }
  if (node.domain !== '') proto.string(7, node.domain);
}

function writeAttribute(proto: ProtobufWriter, value: Attribute): void {
  if (typeof value === 'number') proto.float(2, value).int(20, ATTRIBUTE.FLOAT);
  else if (typeof value === 'bigint') proto.int(3, value).int(20, ATTRIBUTE.INT);
  else if (typeof value === 'string') proto.string(4, value).int(20, ATTRIBUTE.STRING);
  else if (isIntegers(value)) proto.ints(8, value).int(20, ATTRIBUTE.INTS);
  else proto.floats(7, value).int(20, ATTRIBUTE.FLOATS);
}

const isIntegers = (list: readonly number[] | readonly bigint[]): list is readonly bigint[] =>
  typeof list[0] === 'bigint';

function writeConstant(proto: ProtobufWriter, { name, value }: Named): void {
  assert(value.origin.kind === 'constant', `${name} is a constant`);
  writeTensorType(proto, name, value);
  proto.bytes(9, value.origin.bytes);
}

function writeStored(
  proto: ProtobufWriter,
  { name, value }: Named,
  locate: (tensor: StoredTensor) => Place,
): void {
  assert(value.origin.kind === 'stored', `${name} is stored`);
  const place = locate(value.origin.tensor);
  const elementBytes = ELEMENT_BYTES[value.type];
  writeTensorType(proto, name, value);
  const external = {
    location: place.file,
    offset: String(place.offset + value.origin.start * elementBytes),
    length: String(elementCount(value.shape) * elementBytes),
  };
  for (const [key, text] of Object.entries(external)) {
    proto.message(13, (entry) => entry.string(1, key).string(2, text));
  }
  proto.int(14, DATA_LOCATION_EXTERNAL);
}

function writeTensorType(proto: ProtobufWriter, name: string, value: Named['value']): void {
  proto.ints(1, value.shape.map(Number)).int(2, ELEMENT_TYPE[value.type]).string(8, name);
}

function writeValueInfo(proto: ProtobufWriter, { name, value }: NamedType): void {
  proto.string(1, name).message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, ELEMENT_TYPE[value.type]).message(2, (shape) => {
        for (const dim of value.shape) {
          shape.message(1, (entry) => {
            if (typeof dim === 'number') entry.int(1, dim);
            else if (dim !== UNKNOWN) entry.string(2, dim);
          });
        }
      });
    }),
  );
}
