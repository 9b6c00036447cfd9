import type { Child } from 'hono/jsx';

export interface Column<Row> {
  readonly title: string;
  readonly number?: boolean;
  /** Cut where it is too long; the whole text is in its title. */
  readonly long?: boolean;
  cell(row: Row): Child;
}

interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  /** Undefined while they are loading. */
  readonly rows: readonly Row[] | undefined;
  /** Shown when there are none. */
  readonly empty: Child;
  /** Loads further rows, where there are any. */
  readonly more?: (() => void) | undefined;
  keyOf(row: Row): string;
}

/** Rows under headings; scrolls sideways where the screen is narrow. */
export function Table<Row>({ caption, columns, rows, empty, more, keyOf }: TableProps<Row>) {
  if (rows === undefined) return <p class="empty">Loading…</p>;
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <>
      <section class="scroll" tabIndex={0} aria-label={caption}>
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.title} scope="col" class={classOf(column)}>
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map((column) => {
                  const cell = column.cell(row);
                  const title = column.long === true ? String(cell) : undefined;
                  return (
                    <td key={column.title} class={classOf(column)} title={title}>
                      {cell}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {more !== undefined && (
        <p>
          <button type="button" onClick={more}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}

function classOf({ number, long }: Column<never>): string {
  if (number === true) return 'number';
  return long === true ? 'long' : '';
}
