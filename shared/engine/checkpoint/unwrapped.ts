import type { Checkpoint, LazyTensor } from './tensor.ts';
import { renamed } from './views.ts';

/** What torch.compile and DataParallel put around a module: a step in the names of its tensors. */
const WRAPPER = /(^|\.)(?:(?:_orig_mod|module)\.)+/g;
/** Lightning's training modules keep the model under this name, as the original UNet does. */
const OUTER = 'model.';
const ORIGINAL_UNET = 'model.diffusion_model.';

/**
 * A checkpoint with the names that its tensors have without wrappers. Names that would collide stay as
 * they are. Closing the view closes the checkpoint.
 */
export function unwrapped(checkpoint: Checkpoint): Checkpoint {
  const bare = withNames(checkpoint, (name) => name.replace(WRAPPER, '$1'));
  const modules = [...bare.tensors.keys()].filter((name) => name.includes('.'));
  const isOuter =
    modules.length > 0 &&
    modules.every((name) => name.startsWith(OUTER)) &&
    !modules.some((name) => name.startsWith(ORIGINAL_UNET));
  if (!isOuter) return bare;
  return withNames(bare, (name) => (name.startsWith(OUTER) ? name.slice(OUTER.length) : name));
}

function withNames(checkpoint: Checkpoint, nameOf: (name: string) => string): Checkpoint {
  const tensors = new Map<string, LazyTensor>();
  for (const [name, tensor] of checkpoint.tensors) {
    const bare = nameOf(name);
    if (tensors.has(bare)) return checkpoint;
    tensors.set(bare, name === bare ? tensor : renamed(tensor, bare));
  }
  return { ...checkpoint, tensors };
}
