/** A token of a word, and how many of the word's symbols (bytes) it stands for. */
export interface WordToken {
  readonly id: number;
  readonly length: number;
}

export interface BytePairVocabulary {
  /** Token text (in the byte alphabet, `</w>` at a word's end) → id. */
  readonly ids: ReadonlyMap<string, number>;
  /** Key of a pair of ids → rank and id of what they merge into; made by {@link rankMerges}. */
  readonly merges: ReadonlyMap<number, Merge>;
  /** What a symbol becomes that the vocabulary does not know. */
  readonly unknownId: number;
}

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** Marks a word's last symbol, so that `dog` alone and `dog` in `dogma` are different tokens. */
const END_OF_WORD = '</w>';
/** Vocabularies stay far below this, so that a pair of ids is one exact number. */
const PAIR_STRIDE = 2 ** 26;

/**
 * Looks up every merge rule once.
 *
 * @param pairs the rules in order of rank, as in a `merges.txt`
 * @returns the table, or the first rule that names a token outside the vocabulary
 */
export function rankMerges(
  ids: ReadonlyMap<string, number>,
  pairs: readonly (readonly [string, string])[],
): { merges: Map<number, Merge> } | { unknownRule: string } {
  const merges = new Map<number, Merge>();
  for (const [rank, [left, right]] of pairs.entries()) {
    const a = ids.get(left);
    const b = ids.get(right);
    const id = ids.get(left + right);
    if (a === undefined || b === undefined || id === undefined) {
      return { unknownRule: `${left} ${right}` };
    }
    merges.set(a * PAIR_STRIDE + b, { rank, id });
  }
  return { merges };
}

/**
 * Splits a word into tokens: starts from its symbols and applies the rule of lowest rank, leftmost
 * first, until none applies. A heap of candidate pairs over a linked list keeps a word of n symbols
 * at O(n log n); a prompt may be one word of ten thousand letters.
 *
 * @param symbols the word in the byte alphabet, one character per byte
 */
export function encodeWord(symbols: string, vocabulary: BytePairVocabulary): WordToken[] {
  const count = symbols.length;
  const ids = new Int32Array(count);
  const lengths = new Int32Array(count).fill(1);
  const next = Int32Array.from({ length: count }, (_, i) => (i + 1 < count ? i + 1 : -1));
  const previous = Int32Array.from({ length: count }, (_, i) => i - 1);
  for (let i = 0; i < count; i++) {
    const symbol = symbols.charAt(i) + (i === count - 1 ? END_OF_WORD : '');
    ids[i] = vocabulary.ids.get(symbol) ?? vocabulary.unknownId;
  }

  const mergeAt = (left: number): Merge | undefined => {
    const right = left < 0 ? -1 : (next[left] ?? -1);
    if (right < 0) return undefined;
    return vocabulary.merges.get((ids[left] ?? 0) * PAIR_STRIDE + (ids[right] ?? 0));
  };
  const heap = createPairHeap();
  const offer = (left: number): void => {
    const merge = mergeAt(left);
    if (merge !== undefined) heap.push(merge.rank, left);
  };
  for (let i = 0; i < count - 1; i++) offer(i);

  for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
    const left = top.position;
    // A pair is stale once either side has been merged away or has become another token.
    if (lengths[left] === 0) continue;
    const merge = mergeAt(left);
    if (merge === undefined || merge.rank !== top.rank) continue;
    const right = next[left] ?? -1;
    const after = next[right] ?? -1;
    ids[left] = merge.id;
    lengths[left] = (lengths[left] ?? 0) + (lengths[right] ?? 0);
    lengths[right] = 0;
    next[left] = after;
    if (after >= 0) previous[after] = left;
    offer(previous[left] ?? -1);
    offer(left);
  }

  const tokens: WordToken[] = [];
  for (let i = count === 0 ? -1 : 0; i >= 0; i = next[i] ?? -1) {
    tokens.push({ id: ids[i] ?? 0, length: lengths[i] ?? 0 });
  }
  return tokens;
}

interface Candidate {
  readonly rank: number;
  readonly position: number;
}

/** A binary min-heap of candidate pairs, by rank and then from left to right. */
function createPairHeap(): {
  push(rank: number, position: number): void;
  pop(): Candidate | undefined;
} {
  // Rank and position as one number: both stay below 2²⁶.
  const keys: number[] = [];
  const at = (i: number): number => keys[i] ?? Number.POSITIVE_INFINITY;
  const swap = (i: number, j: number): void => {
    [keys[i], keys[j]] = [at(j), at(i)];
  };
  return {
    push(rank, position) {
      keys.push(rank * PAIR_STRIDE + position);
      for (let i = keys.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (at(parent) <= at(i)) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const [top] = keys;
      const last = keys.pop();
      if (top === undefined || last === undefined) return undefined;
      if (keys.length > 0) {
        keys[0] = last;
        for (let i = 0; ; ) {
          const child = at(2 * i + 2) < at(2 * i + 1) ? 2 * i + 2 : 2 * i + 1;
          if (at(child) >= at(i)) break;
          swap(i, child);
          i = child;
        }
      }
      return { rank: Math.floor(top / PAIR_STRIDE), position: top % PAIR_STRIDE };
    },
  };
}
