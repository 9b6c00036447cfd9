import type { StoreName } from '#test/simulation/worlds/world.ts';

/** A piece of a file, and what stands there instead. */
export type Edit = readonly [file: string, from: string, to: string];

/** A rule of the service that is taken back, in the code of one store or of both. */
export interface Mutation {
  readonly name: string;
  /** Tried over each store that it concerns. */
  readonly edits: Readonly<Partial<Record<StoreName, readonly Edit[]>>>;
  /** What holds the rule where the simulation doesn't: another lock of the code, or a test. */
  readonly heldBy?: string;
}

export const SQLITE = 'shared/adapters/sqlite';
export const DYNAMO = 'shared/adapters/dynamo';
export const DOMAIN = 'shared/service/domain';

/** A rule that both stores obey by the same code. */
export function inBoth(name: string, ...edits: readonly Edit[]): Mutation {
  return { name, edits: { sqlite: edits, dynamo: edits } };
}

/** A rule that each store has in its own words. */
export function inEach(name: string, sqlite: Edit, ...dynamo: readonly Edit[]): Mutation {
  return { name, edits: { sqlite: [sqlite], dynamo } };
}
