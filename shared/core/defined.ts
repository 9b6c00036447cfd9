/** `T` with each member that may be undefined made optional instead. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * A copy of `members` without those that are undefined. With `exactOptionalPropertyTypes`, a value that may
 * be missing can be passed on this way as an optional member: `{ name, ...defined({ note, expiresAt }) }`.
 */
export function defined<T extends object>(members: T): Defined<T> {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Defined<T>;
}
