import type Database from 'libsql';
import type { UsageOfDay } from '#shared/core/ledger.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { ReadInTurns } from './read-in-turns.ts';

/** A row of the sums that a trigger keeps with the ledger. */
type Row = Omit<UsageOfDay, 'tags'> & { readonly tags: string };

/** `Ledger.usage`, from sums by day, key, model and tags. */
export function createUsageDays(db: Database.Database, readInTurns: ReadInTurns): Ledger['usage'] {
  const select = db.prepare(
    'SELECT day, key, model, tags, jobs, images, amount FROM usage_days WHERE account = ? ' +
      'AND (day, key, model, tags) > (?, ?, ?, ?) AND day < ? ' +
      'ORDER BY day, key, model, tags LIMIT ?',
  );
  return async ({ account, from, to, after, limit }) => {
    const begin = after === undefined ? [from, '', '', ''] : (JSON.parse(after) as string[]);
    const read = (most: number, last: Row | undefined) =>
      select.all(account, ...(last ? placeOf(last) : begin), to, most) as Row[];
    const rows = await readInTurns(limit, read, after === undefined);
    const last = rows.length < limit ? undefined : rows.at(-1);
    return { rows: rows.map(toUsage), ...(last && { next: JSON.stringify(placeOf(last)) }) };
  };
}

const placeOf = ({ day, key, model, tags }: Row) => [day, key, model, tags];

function toUsage({ day, key, model, tags, jobs, images, amount }: Row): UsageOfDay {
  return { day, key, model, tags: JSON.parse(tags), jobs, images, amount };
}
