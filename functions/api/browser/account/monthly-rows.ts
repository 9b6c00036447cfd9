import type { Statement } from '#functions/api/account/statement-schema.ts';
import { counted } from '#functions/api/browser/format.ts';

/** A line of the printed statement. */
export interface MonthlyRow {
  readonly id: string;
  readonly day: string;
  readonly what: string;
  readonly change: number;
  /** What the account had after it. */
  readonly total: number;
  readonly details: string;
}

type Line = Statement['lines'][number];
/** With the number of pictures, where it is of such. */
type Row = MonthlyRow & { readonly images?: number };

const NAMES: Readonly<Record<string, string>> = {
  grant: 'Credit added',
  expiry: 'Credit expired',
  reversal: 'Payment reversed',
};

/**
 * A statement as people read it: each payment, grant, expiry and reversal, and between two of those one row for
 * the pictures of a day and model.
 */
export function monthlyRows({ lines }: Pick<Statement, 'lines'>): readonly MonthlyRow[] {
  const rows: Row[] = [];
  for (const line of lines) {
    const row = line.kind === 'capture' ? pictures(line) : single(line);
    const last = rows.at(-1);
    const isSame =
      row.images !== undefined &&
      last?.images !== undefined &&
      last.day === row.day &&
      last.details === row.details;
    if (!isSame) {
      rows.push(row);
      continue;
    }
    const images = (last.images ?? 0) + row.images;
    const change = last.change + row.change;
    rows[rows.length - 1] = { ...row, images, change, what: counted(images, 'picture') };
  }
  return rows.map(({ images: _, ...row }) => row);
}

function pictures({ id, at, change, total, model, images }: Line): Row {
  const what = counted(images ?? 0, 'picture');
  return {
    id,
    day: at.slice(0, 10),
    what,
    change,
    total,
    details: model ?? '',
    images: images ?? 0,
  };
}

function single({ id, at, kind, change, total, note, reference }: Line): Row {
  const details = [note, reference].filter(Boolean).join(', ');
  return { id, day: at.slice(0, 10), what: NAMES[kind] ?? kind, change, total, details };
}
