/** What libsql adds to a row: how long the query took. */
const NO_COLUMN = '_metadata';

/** A row's columns as members: `created_at` as `createdAt`; a column that is null is left out. */
export function rowMembers<T>(row: unknown): T {
  const members: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row as Record<string, unknown>)) {
    if (value === null || column === NO_COLUMN) continue;
    members[column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return members as T;
}
