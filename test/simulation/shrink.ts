/**
 * As few steps as still fail: halves are left out, then quarters, and so on down to single steps, again and
 * again until each that is left is needed (delta debugging, Zeller and Hildebrandt 2002).
 */
export async function shrinkSteps(
  steps: readonly number[],
  fails: (steps: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  let kept = steps;
  for (let size = Math.ceil(kept.length / 2); size >= 1; ) {
    let isSmaller = false;
    for (let start = 0; start < kept.length; ) {
      const rest = [...kept.slice(0, start), ...kept.slice(start + size)];
      if (await fails(rest)) {
        kept = rest;
        isSmaller = true;
      } else {
        start += size;
      }
    }
    if (size === 1 && !isSmaller) return kept;
    size = Math.max(1, Math.floor(size / 2));
  }
  return kept;
}
