/** What libsql adds to a row: how long the query took. */
const NO_COLUMN = '_metadata';

/** The member of each column that was read before: there are as many as the schema has. */
const memberOf = new Map<string, string>();

/** A row's columns as members: `created_at` as `createdAt`; a column that is null is left out. */
export function rowMembers<T>(row: unknown): T {
  const members: Record<string, unknown> = {};
  for (const column in row as Record<string, unknown>) {
    const value = (row as Record<string, unknown>)[column];
    if (value === null || column === NO_COLUMN) continue;
    members[memberOf.get(column) ?? nameMember(column)] = value;
  }
  return members as T;
}

function nameMember(column: string): string {
  const member = column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  memberOf.set(column, member);
  return member;
}
