/** The single table: its keys and indexes, for the stack that creates it and the stores that use it. */
export const TABLE_SCHEMA = {
  partitionKey: 'pk',
  sortKey: 'sk',
  /** Seconds since the Unix epoch; items past it are deleted eventually, so readers check times too. */
  timeToLive: 'ttl',
  indexes: [
    /** What an account owns, by id: jobs, deliveries; and all accounts. */
    { name: 'owned', partitionKey: 'ownedPk', sortKey: 'ownedSk', include: [] },
    /** Sparse. Waiting jobs, by rank; leased ones, by the end of their lease; deliveries, by job. */
    { name: 'queue', partitionKey: 'queuePk', sortKey: 'queueSk', include: [] },
    /** Sparse. What has to be done at a time: deadlines, removals, expiring credit, deliveries. */
    { name: 'due', partitionKey: 'duePk', sortKey: 'dueSk', include: ['leased'] },
  ],
} as const;

export type IndexName = (typeof TABLE_SCHEMA)['indexes'][number]['name'];

/** When an item may go, for a time in milliseconds. */
export function ttlOf(epochMs: number): number {
  return Math.ceil(epochMs / 1000);
}

/** A whole number as text that sorts like the number. */
export function sortable(number: number): string {
  return String(number).padStart(16, '0');
}

/** Sorts after everything that continues a prefix with printable ASCII. */
export const AFTER = '\u{7f}';
