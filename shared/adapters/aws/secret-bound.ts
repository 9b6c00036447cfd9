/**
 * Something that is made from a secret, and made anew when the secret has changed. While that can't be
 * read, or nothing be made from it, the last one serves on.
 */
export function createSecretBound<T>(deps: {
  /** Reads the secret; called each time, so it has to remember. */
  readonly read: () => Promise<string>;
  readonly make: (secret: string) => T | Promise<T>;
  readonly onError: (error: unknown, what: string) => void;
}): () => Promise<T> {
  let last: { readonly secret: string; readonly made: T } | undefined;
  let making: { readonly secret: string; readonly made: Promise<T> } | undefined;

  const make = async (secret: string): Promise<T> => {
    if (making?.secret !== secret) making = { secret, made: Promise.resolve(deps.make(secret)) };
    const current = making;
    try {
      const made = await current.made;
      last = { secret, made };
      return made;
    } finally {
      if (making === current) making = undefined;
    }
  };

  return async () => {
    try {
      const secret = await deps.read();
      return last?.secret === secret ? last.made : await make(secret);
    } catch (error) {
      if (last === undefined) throw error;
      deps.onError(error, 'taking up a changed secret');
      return last.made;
    }
  };
}
