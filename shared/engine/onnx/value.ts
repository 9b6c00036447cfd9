import { assert } from '#shared/core/errors.ts';
import type { ElementType } from './element-type.ts';
import type { Shape } from './shape.ts';
import type { StoredTensor } from './stored-tensor.ts';

/**
 * A typed value of a graph under construction. Its type and shape are known at once, its name is not:
 * names are assigned when the model is built, so that functions on values compose freely.
 */
export interface Var {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly origin: Origin;
}

export type Origin =
  /** The graph is given this value when it runs. */
  | { readonly kind: 'input'; readonly name: string }
  /** The value lies in the graph itself: little-endian, row-major. */
  | { readonly kind: 'constant'; readonly bytes: Uint8Array }
  /** The value lies in a file beside the graph: a stored tensor from element `start` on. */
  | { readonly kind: 'stored'; readonly tensor: StoredTensor; readonly start: number }
  | NodeOrigin;

export interface NodeOrigin {
  readonly kind: 'node';
  readonly node: Node;
  readonly output: number;
}

export type Attribute = number | bigint | string | readonly number[] | readonly bigint[];

/** One operation. Whole numbers are `bigint` attributes, floats are `number`, as ONNX tells them apart. */
export interface Node {
  readonly domain: string;
  readonly opType: string;
  readonly inputs: readonly (Var | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Unused outputs stay unnamed, which ONNX reads as absent. */
  readonly outputs: readonly OutputType[];
  /** The operation in terms of others, for devices without a kernel for it. */
  readonly body?: (inputs: readonly (Var | undefined)[]) => readonly Var[];
}

export interface OutputType {
  readonly type: ElementType;
  readonly shape: Shape;
}

/** Makes a node with several outputs. */
export function makeNode(
  node: Omit<Node, 'outputs'>,
  outputs: readonly OutputType[],
): readonly Var[] {
  const made: Node = { ...node, outputs };
  return outputs.map(({ type, shape }, output) => ({
    type,
    shape,
    origin: { kind: 'node', node: made, output },
  }));
}

/** Makes a node of ONNX's own operators with one output. */
export function makeOp(
  opType: string,
  inputs: readonly (Var | undefined)[],
  output: OutputType,
  attributes: Node['attributes'] = {},
  domain = '',
): Var {
  const [result] = makeNode({ domain, opType, inputs, attributes }, [output]);
  assert(result !== undefined, `${opType} has an output`);
  return result;
}

/** A value that the graph's caller provides. */
export function input(name: string, type: ElementType, shape: Shape): Var {
  return { type, shape, origin: { kind: 'input', name } };
}
