/** One column of a table. */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

/** Rows under their titles, as wide as their contents; every line ends in a line feed. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map(({ right }, i) => {
        const cell = cells[i] ?? '';
        return right === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
      })
      .join('  ')
      .trimEnd();
  return [columns.map(({ title }) => title), ...rows].map((row) => `${line(row)}\n`).join('');
}

/**
 * Text that can't move the cursor or change colours, on one line, cut to a width. What clients wrote,
 * such as prompts, is shown through this.
 */
export function oneLine(text: string, width: number): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const letters = [...plain];
  return letters.length <= width ? plain : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`;
}
