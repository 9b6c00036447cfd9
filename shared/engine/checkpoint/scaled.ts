import { computedTensor, floatsOf } from './computed-tensor.ts';
import { type Checkpoint, elementCount, type LazyTensor } from './tensor.ts';

/** Beside a weight in eight bits: what its values are multiplied by. */
const SCALE = '.scale_weight';
/** About activations, and a mark without a value: neither changes a weight. */
const ASIDE = /(?:^|\.)(?:scale_input|scaled_fp8)$/;

/** A checkpoint whose weights in eight bits are multiplied by their scales. */
export function scaled(checkpoint: Checkpoint): Checkpoint {
  const scales = [...checkpoint.tensors].filter(([name]) => name.endsWith(SCALE));
  if (scales.length === 0) return checkpoint;
  const tensors = new Map([...checkpoint.tensors].filter(([name]) => !ASIDE.test(name)));
  for (const [name, scale] of scales) {
    const of = `${name.slice(0, -SCALE.length)}.weight`;
    const weight = tensors.get(of);
    // One without its weight, or one for each row, stays and is refused by name.
    if (weight === undefined || elementCount(scale.shape) !== 1) continue;
    tensors.delete(name);
    tensors.set(of, multiplied(weight, scale));
  }
  return { ...checkpoint, tensors };
}

function multiplied(tensor: LazyTensor, scale: LazyTensor): LazyTensor {
  return computedTensor(tensor, (values) => {
    const [factor = 1] = floatsOf(scale);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
  });
}
