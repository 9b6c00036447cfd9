import { assert } from '#shared/core/errors.ts';
import type { Node, NodeOrigin, Var } from './value.ts';

export interface Named {
  readonly name: string;
  readonly value: Var;
}

/** A node with the names of its inputs and outputs; an empty name is an absent one. */
export interface NamedNode {
  readonly name: string;
  readonly node: Node;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A finished graph: everything that the outputs depend on, named, in an order that can be run. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[];
  readonly constants: readonly Named[];
  /** Values that lie in stored tensors; several may share one tensor. */
  readonly stored: readonly Named[];
  readonly nodes: readonly NamedNode[];
}

/**
 * Collects and names everything that the outputs depend on.
 *
 * @param inputs the graph's inputs in order, used or not
 * @param outputs the graph's outputs by name, in order; each the output of a node
 */
export function buildGraph(
  name: string,
  inputs: readonly Var[],
  outputs: Readonly<Record<string, Var>>,
): Graph {
  const order = nodesBefore(Object.values(outputs));
  const naming = new Naming(order);
  for (const value of inputs) naming.name(value);
  for (const [given, value] of Object.entries(outputs)) naming.give(value, given);
  const inputNames = order.map((node) =>
    node.inputs.map((value) => (value === undefined ? '' : naming.name(value))),
  );
  return {
    name,
    inputs: naming.inputs,
    outputs: Object.entries(outputs).map(([given, value]) => ({ name: given, value })),
    constants: naming.constants,
    stored: naming.stored,
    nodes: order.map((node, index) => ({
      name: naming.nodeName(node),
      node,
      inputs: inputNames[index] ?? [],
      outputs: naming.outputsOf(node),
    })),
  };
}

/** Every node that the values depend on, each after the nodes that it takes its inputs from. */
function nodesBefore(values: readonly Var[]): readonly Node[] {
  const done = new Set<Node>();
  const pending: { node: Node; next: number }[] = [];
  const visit = (value: Var | undefined) => {
    if (value?.origin.kind !== 'node' || done.has(value.origin.node)) return;
    pending.push({ node: value.origin.node, next: 0 });
  };
  for (const value of values) {
    visit(value);
    for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
      if (top.next < top.node.inputs.length) {
        visit(top.node.inputs[top.next]);
        top.next += 1;
      } else {
        done.add(top.node);
        pending.pop();
      }
    }
  }
  return [...done];
}

/** Gives every value of a graph one name: values with equal origins share it. */
class Naming {
  readonly inputs: Named[] = [];
  readonly constants: Named[] = [];
  readonly stored: Named[] = [];
  private readonly indices: ReadonlyMap<Node, number>;
  private readonly names = new Map<string, string>();
  private readonly views = new Map<string, number>();
  private readonly used = new Map<Node, (string | undefined)[]>();

  constructor(order: readonly Node[]) {
    this.indices = new Map(order.map((node, index) => [node, index]));
  }

  nodeName(node: Node): string {
    const index = this.indices.get(node);
    assert(index !== undefined, `${node.opType} is part of the graph`);
    return `${node.opType}_${index}`;
  }

  outputsOf(node: Node): readonly string[] {
    const used = this.used.get(node) ?? [];
    return Array.from({ length: used.length }, (_, output) => used[output] ?? '');
  }

  /** Gives the output of a node a name of the caller's choice. */
  give(value: Var, name: string): void {
    assert(value.origin.kind === 'node', `output ${name} is computed`);
    this.setOutput(value.origin, name);
  }

  name(value: Var): string {
    const { origin } = value;
    if (origin.kind === 'node') {
      const known = this.used.get(origin.node)?.[origin.output];
      if (known !== undefined) return known;
      const suffix = origin.output === 0 ? '' : `_${origin.output}`;
      return this.setOutput(origin, `${this.nodeName(origin.node)}${suffix}`);
    }
    if (origin.kind === 'input')
      return this.once(this.inputs, origin.name, value, () => origin.name);
    if (origin.kind === 'constant') {
      const key = `${value.type} ${value.shape.join()} ${Buffer.from(origin.bytes).toString('base64')}`;
      return this.once(this.constants, key, value, () => `constant_${this.constants.length}`);
    }
    const at = origin.start === 0 ? '' : `@${origin.start}`;
    const name = `${origin.tensor.name}${at}`;
    return this.once(this.stored, `${name} ${value.shape.join()}`, value, () => this.unique(name));
  }

  /** A stored tensor may be seen in more than one shape, and each view needs its own name. */
  private unique(name: string): string {
    const views = this.views.get(name) ?? 0;
    this.views.set(name, views + 1);
    return views === 0 ? name : `${name}#${views}`;
  }

  private setOutput({ node, output }: NodeOrigin, name: string): string {
    const used = this.used.get(node) ?? [];
    used[output] = name;
    this.used.set(node, used);
    return name;
  }

  private once(list: Named[], key: string, value: Var, makeName: () => string): string {
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = makeName();
    this.names.set(key, name);
    list.push({ name, value });
    return name;
  }
}
