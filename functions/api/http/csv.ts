import { answerInParts } from './answer-in-parts.ts';
import type { ApiContext } from './context.ts';

/** Whether a request asks for CSV, by its `format` or by what it accepts first. */
export function wantsCsv(c: ApiContext, format: 'json' | 'csv' | undefined): boolean {
  if (format !== undefined) return format === 'csv';
  return c.req.header('accept')?.split(',')[0]?.trim().startsWith('text/csv') === true;
}

/** A CSV answer, which browsers save under a name. */
export function answerCsv(
  c: ApiContext,
  filename: string,
  rows: Iterable<readonly (string | number)[]>,
): Response {
  const headers = {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${filename}"`,
  };
  return answerInParts(c, headers, csvLines(rows));
}

/** RFC 4180. */
function* csvLines(rows: Iterable<readonly (string | number)[]>): Generator<string> {
  for (const cells of rows) yield `${cells.map(csvCell).join(',')}\r\n`;
}

/** Quoted where needed; a text that a spreadsheet would run as a formula gets a quote mark in front. */
function csvCell(value: string | number): string {
  const text =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
