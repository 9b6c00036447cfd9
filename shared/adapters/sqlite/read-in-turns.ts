import { setImmediate as nextTurn } from 'node:timers/promises';

/** Rows that are read and parsed in a millisecond or two, also on a busy machine. */
const AT_ONCE = 25;

/**
 * Reads many rows a few at a time. The first few come at once; of what else all readers want, there is one
 * part in each turn of the event loop, so that the others have theirs in time however many read.
 */
export function createReadInTurns() {
  let turn = Promise.resolve();
  /** @param read up to so many rows, after the last one that was read where there is one */
  return async <Row>(
    limit: number,
    read: (limit: number, last: Row | undefined) => readonly Row[],
    isFirst = true,
  ): Promise<readonly Row[]> => {
    const rows: Row[] = [];
    while (rows.length < limit) {
      if (!isFirst || rows.length > 0) {
        turn = turn.then(() => nextTurn());
        await turn;
      }
      const wanted = Math.min(AT_ONCE, limit - rows.length);
      const part = read(wanted, rows.at(-1));
      rows.push(...part);
      if (part.length < wanted) break;
    }
    return rows;
  };
}

export type ReadInTurns = ReturnType<typeof createReadInTurns>;
