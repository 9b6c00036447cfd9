import type { Graph } from './graph.ts';
import { type Dim, isStated } from './shape.ts';
import type { OutputType } from './value.ts';

/** Axes of tokens; images have one more. They are few and large, and their memory is best freed. */
const TOKENS_RANK = 3;
/** Nodes that a name holds for: with fewer, a session opens later, with more it needs more memory. */
const STRETCH = 64;

/** A value's name, type and shape. */
export interface NamedType {
  readonly name: string;
  readonly value: OutputType;
}

/**
 * The values between a graph's nodes whose shapes a model states: all but images, with names that hold
 * for a stretch of nodes.
 *
 * When ONNX Runtime opens a session, it looks among all freed values for one of the same shape whose
 * memory a new value can take. Where shapes are unknown it finds none, and the search takes most of
 * the time. But memory that is taken again is kept all the while between: if names held for the whole
 * graph, its first layers' values would be kept for its last ones.
 */
export function statedShapes({ nodes, outputs }: Graph): readonly NamedType[] {
  const told = new Set(outputs.map(({ name }) => name));
  return nodes.flatMap(({ node, outputs: names }, index) => {
    const inStretch = (dim: Dim): Dim =>
      typeof dim === 'string' ? `${dim}@${Math.floor(index / STRETCH)}` : dim;
    return node.outputs.flatMap(({ type, shape }, output) => {
      const name = names[output] ?? '';
      if (name === '' || told.has(name) || !isStated(shape) || shape.length > TOKENS_RANK)
        return [];
      return [{ name, value: { type, shape: shape.map(inStretch) } }];
    });
  });
}
