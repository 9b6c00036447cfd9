/** A promise of the service that was not kept. */
export class Broken extends Error {}

/** Vitest's `expect` says more, and takes a hundred times as long. */
export function must(holds: boolean, promise: string | (() => string)): void {
  if (!holds) throw new Broken(typeof promise === 'string' ? promise : promise());
}

export function mustBe<T>(is: T, wanted: T, what: string): void {
  if (is !== wanted) throw new Broken(`${what}: ${String(is)}, not ${String(wanted)}`);
}
