import { LRUCache } from 'lru-cache';

/**
 * Something made from a secret, and made again when the secret has changed. While the secret can't be
 * read, or nothing can be made from it, the last one stays in use.
 */
export function createSecretBound<T extends object>(deps: {
  /** Reads the secret; called each time, so it has to remember. */
  readonly read: () => Promise<string>;
  readonly make: (secret: string) => T | Promise<T>;
  readonly onError: (error: unknown, what: string) => void;
}): () => Promise<T> {
  const made = new LRUCache<string, T>({
    max: 2,
    fetchMethod: (secret) => Promise.resolve(deps.make(secret)),
  });
  let last: T | undefined;
  return async () => {
    try {
      last = await made.forceFetch(await deps.read());
      return last;
    } catch (error) {
      if (last === undefined) throw error;
      deps.onError(error, 'taking up a changed secret');
      return last;
    }
  };
}
