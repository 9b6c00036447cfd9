/** `T` with each member that may be undefined made optional instead. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

const MEMBER = { enumerable: true, configurable: true, writable: true };

/**
 * A copy of `members` without those that are undefined. With `exactOptionalPropertyTypes`, a value that may
 * be missing can be passed on this way as an optional member: `{ name, ...defined({ note, expiresAt }) }`.
 */
export function defined<T extends object>(members: T): Defined<T> {
  const kept: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    const value = members[name as keyof T];
    if (value === undefined) continue;
    // Assigned, it would be no member but what the copy inherits from.
    if (name === '__proto__') Object.defineProperty(kept, name, { ...MEMBER, value });
    else kept[name] = value;
  }
  return kept as Defined<T>;
}
