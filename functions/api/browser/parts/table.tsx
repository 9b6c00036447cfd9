import type { Child } from 'hono/jsx';

export interface Column<Row> {
  readonly title: string;
  readonly number?: boolean;
  cell(row: Row): Child;
}

interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  keyOf(row: Row): string;
}

/** Rows under headings; scrolls sideways where the screen is narrow. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  if (rows.length === 0) return <p class="hint">Nothing here yet.</p>;
  return (
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, number }) => (
              <th key={title} scope="col" class={number === true ? 'number' : ''}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, number, cell }) => (
                <td key={title} class={number === true ? 'number' : ''}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
