import { useCallback, useEffect, useState } from 'hono/jsx/dom';

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: unknown;
  /** Loads again, and keeps what is shown until it has come. */
  reload(): void;
}

/** What `load` gives, loaded when the page opens and whenever `reload` asks for it. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const reload = useCallback(() => {
    load().then(
      (loaded) => {
        setValue(loaded);
        setProblem(undefined);
      },
      (error: unknown) => setProblem(error),
    );
  }, []);
  useEffect(reload, []);
  return { value, problem, reload };
}
