import { commonHeaders } from './answer.ts';
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
  rows: readonly (readonly (string | number)[])[],
): Response {
  return new Response(toCsv(rows), {
    headers: {
      ...commonHeaders(c),
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${filename}"`,
    },
  });
}

/** RFC 4180. */
function toCsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/** Quoted where needed; a text that a spreadsheet would run as a formula gets a quote mark in front. */
function csvCell(value: string | number): string {
  const text =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
