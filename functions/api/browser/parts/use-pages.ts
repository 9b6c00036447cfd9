import { useEffect, useState } from 'hono/jsx/dom';
import { call, pathOf } from '#functions/api/browser/api.ts';

interface Page<T> {
  readonly next: string | null;
  readonly results: readonly T[];
}

/** A list that the API gives in pages: the first at once, each further one when asked for. */
export function usePages<T>(path: string) {
  const [pages, setPages] = useState<readonly Page<T>[] | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const load = async (from: string, before: readonly Page<T>[]) => {
    try {
      setPages([...before, await call<Page<T>>('GET', from)]);
      setProblem(undefined);
    } catch (error) {
      setProblem(error);
    }
  };
  const reload = () => void load(path, []);
  useEffect(reload, []);
  // Further pages, once opened, would be lost.
  const refresh = () => {
    if (pages?.length === 1) reload();
  };
  const next = pages?.at(-1)?.next ?? null;
  return {
    /** Undefined until the first page has come. */
    rows: pages?.flatMap(({ results }) => results),
    problem,
    reload,
    /** Loads the first page again while it is the only one. */
    refresh,
    more: next === null ? undefined : () => void load(pathOf(next), pages ?? []),
  };
}
