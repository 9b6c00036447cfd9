/** Rows of cells, each as wide as the widest of its column; every line ends in a line feed. */
export function alignColumns(
  rows: readonly (readonly string[])[],
  isRight: (column: number) => boolean = () => false,
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  const pad = (cell: string, i: number) =>
    isRight(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
  return rows.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('');
}

/**
 * Rows under titles.
 *
 * @param titles of the columns; one that begins with `>` has its column aligned to the right
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = titles.map((title) => title.replace(/^>/, ''));
  return alignColumns([head, ...rows], (i) => titles[i]?.startsWith('>') === true);
}

/** `2026-11-23 21:17:05` for a time in ISO 8601. */
export const shortTime = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

/**
 * Text that can't move the cursor or change colours, on one line, cut to a width. What clients wrote,
 * such as prompts, is shown through this.
 */
export function oneLine(text: string, width: number): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const letters = [...plain];
  return letters.length <= width ? plain : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}
