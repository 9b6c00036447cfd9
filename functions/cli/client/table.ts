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

/** What a table is written to. */
export interface TableLook {
  /** Letters that a line has; without it lines are as long as they need. */
  readonly columns: number | undefined;
  readonly hasColour: boolean;
}

const LEAST_COLUMNS = 60;
const MOST_COLUMNS = 160;
/** A last column narrower than this says nothing. */
const LEAST_LAST = 12;
const GAP = 2;
const BOLD = '\u001b[1m';
const NOT_BOLD = '\u001b[22m';

/** The terminal's, and none where output goes to a file or another program. */
function terminalLook({ stdout, env } = process): TableLook {
  const columns = stdout.isTTY
    ? Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, stdout.columns))
    : undefined;
  return { columns, hasColour: stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb' };
}

/**
 * Rows under titles. On a terminal the last column is cut to fit; where even that leaves no room, each
 * row becomes a paragraph with a line for each cell.
 *
 * @param titles of the columns; one that begins with `>` has its column aligned to the right
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  look = terminalLook(),
): string {
  const head = titles.map((title) => title.replace(/^>/, ''));
  const strong = (text: string) => (look.hasColour ? `${BOLD}${text}${NOT_BOLD}` : text);
  const room = roomOfLast([head, ...rows], look.columns);
  if (room < LEAST_LAST && room < widest(rows, head.length - 1)) {
    return asParagraphs(head, rows, strong, look.columns ?? MOST_COLUMNS);
  }
  const fitting = rows.map((row) => [...row.slice(0, -1), oneLine(row.at(-1) ?? '', room)]);
  const text = alignColumns([head, ...fitting], (i) => titles[i]?.startsWith('>') === true);
  return text.replace(/^[^\n]*/, strong);
}

/** What the other columns leave to the last. */
function roomOfLast(rows: readonly (readonly string[])[], columns: number | undefined): number {
  const last = (rows[0]?.length ?? 1) - 1;
  const taken = Array.from({ length: last }, (_, i) => widest(rows, i) + GAP);
  return (columns ?? Number.POSITIVE_INFINITY) - taken.reduce((sum, width) => sum + width, 0);
}

const widest = (rows: readonly (readonly string[])[], column: number): number =>
  Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));

function asParagraphs(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  strong: (text: string) => string,
  columns: number,
): string {
  const left = Math.max(...head.map((title) => title.length));
  const line = (cell: string, i: number) =>
    `${strong((head[i] ?? '').padEnd(left))}  ${oneLine(cell, columns - left - GAP)}\n`;
  return rows.map((row) => row.map(line).join('')).join('\n');
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
