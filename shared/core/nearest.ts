/** More slips than these make another word. */
const MOST_SLIPS = 2;

/** The word that was most likely meant: one that begins so, or differs by a slip or two. */
export function nearest(given: string, words: readonly string[]): string | undefined {
  const typed = given.toLowerCase();
  const begins = words.filter((word) => typed.length > 1 && word.startsWith(typed));
  if (begins.length > 0) return begins[0];
  const [best] = words
    .map((word) => ({ word, slips: slipsBetween(typed, word) }))
    .filter(({ word, slips }) => slips <= Math.min(MOST_SLIPS, word.length - 2))
    .sort((a, b) => a.slips - b.slips);
  return best?.word;
}

/** ` Did you mean "keys"?`, or nothing. */
export function didYouMean(given: string, words: readonly string[], prefix = ''): string {
  const word = nearest(given, words);
  return word === undefined ? '' : ` Did you mean "${prefix}${word}"?`;
}

/** Letters to add, leave out, change or swap with their neighbour (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) row[j] = Math.min(row[j] ?? 0, at(i - 2, j - 2) + 1);
    }
  }
  return at(a.length, b.length);
}
