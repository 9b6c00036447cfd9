import { useEffect, useRef, useState } from 'hono/jsx/dom';
import { call, type Prediction, pathOf } from '#functions/api/browser/api.ts';
import { isOver } from './follow.ts';

interface Page {
  readonly results: readonly Prediction[];
  readonly next: string | null;
}

interface Shelf {
  /** Newest first. */
  readonly predictions: readonly Prediction[];
  readonly next: string | null;
}

const PAGE_SIZE = 48;
/** A request for more goes on until so many pictures have come, or so many pages. */
const ENOUGH = 12;
const MOST_PAGES = 10;
/** Between looks while predictions of this account are open, wherever they were ordered. */
const OPEN_POLL_MS = 4000;
/** Addresses of pictures work for a quarter of an hour. */
const RENEW_MS = 10 * 60_000;

/** Everything that this account has made, kept up to date while the page can be seen. */
export function useGallery(version: number, tag: string) {
  const [shelf, setShelf] = useState<Shelf | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const [loading, setLoading] = useState(false);
  /** Grows with every load, so that a late answer does not replace a newer one. */
  const loads = useRef(0);

  const load = async (first: string, before: readonly Prediction[], enough: number) => {
    const mine = ++(loads.current as number);
    setLoading(true);
    try {
      const found = await readPages(first, before, enough);
      if (loads.current !== mine) return;
      setShelf(found);
      setProblem(undefined);
    } catch (error) {
      if (loads.current === mine) setProblem(error);
    } finally {
      if (loads.current === mine) setLoading(false);
    }
  };
  const query = /^[^:\s]+:.+$/.test(tag) ? `&tag=${encodeURIComponent(tag)}` : '';
  const pictures = (shelf?.predictions ?? []).filter(hasPicture);
  /** As much as is shown already: what was opened with "Show more" stays. */
  const reload = () =>
    load(`/v1/predictions?limit=${PAGE_SIZE}${query}`, [], Math.max(ENOUGH, pictures.length));
  const open = (shelf?.predictions ?? []).filter((prediction) => !isOver(prediction)).length;

  useEffect(() => void reload(), [version, query]);
  useWhileVisible(() => void reload(), open > 0 ? OPEN_POLL_MS : RENEW_MS);
  return {
    pictures,
    /** Ordered and not ended, as far as the loaded pages tell. */
    open,
    problem,
    loading,
    isLoaded: shelf !== undefined,
    next: shelf?.next ?? null,
    more: () => {
      if (shelf?.next) void load(pathOf(shelf.next), shelf.predictions, pictures.length + ENOUGH);
    },
    reload: () => void reload(),
    report: setProblem,
  };
}

function hasPicture({ output, data_removed }: Prediction): boolean {
  return output !== null && output.length > 0 && data_removed !== true;
}

/** Pages from `first` on, until there are enough pictures among them. */
async function readPages(
  first: string,
  before: readonly Prediction[],
  enough: number,
): Promise<Shelf> {
  const known = new Set(before.map(({ id }) => id));
  const predictions = [...before];
  let next: string | null = first;
  for (let page = 0; next !== null && page < MOST_PAGES; page++) {
    const answer: Page = await call<Page>('GET', next);
    predictions.push(...answer.results.filter(({ id }) => !known.has(id)));
    next = answer.next === null ? null : pathOf(answer.next);
    if (predictions.filter(hasPicture).length >= enough) break;
  }
  return { predictions, next: next === null ? null : new URL(next, location.href).href };
}

/** Calls every so often, not while the page is hidden, and when it is seen again. */
function useWhileVisible(act: () => void, everyMs: number): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') latest.current?.();
    };
    const timer = setInterval(look, everyMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [everyMs]);
}
