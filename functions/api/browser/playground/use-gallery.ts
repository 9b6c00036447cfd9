import { useEffect, useRef, useState } from 'hono/jsx/dom';
import { call, pathOf } from '#functions/api/browser/api.ts';
import { useWhileVisible } from '#functions/api/browser/parts/use-while-visible.ts';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { isOver } from './follow.ts';

interface Page {
  readonly results: readonly Prediction[];
  readonly next: string | null;
}

interface Shelf {
  /** Newest first. */
  readonly predictions: readonly Prediction[];
  readonly next: string | null;
  /** How many pages were read for it. */
  readonly pages: number;
}

/** A prediction with pictures as it was last read, and when. */
type Kept = Map<string, { readonly prediction: Prediction; readonly at: number }>;

const PAGE_SIZE = 48;
/** Loading more stops after this many pictures, or this many pages. */
const ENOUGH = 12;
const MOST_PAGES = 10;
/** Time between two polls, per page: while predictions are open, and while none are. */
const OPEN_POLL_MS = 4000;
const IDLE_POLL_MS = 30_000;
const SEARCH_MS = 400;
/** URLs of pictures work for a quarter of an hour; until then they are kept, so nothing reloads. */
const RENEW_MS = 10 * 60_000;

/**
 * Everything that this account has made, kept up to date while the page is visible.
 *
 * @param search words of the prompt, or a tag as `name:value`
 */
export function useGallery(version: number, search: string) {
  const [shelf, setShelf] = useState<Shelf | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  const [loading, setLoading] = useState(false);
  /** Increases with every load, so that a late answer does not replace a newer one. */
  const loads = useRef(0);
  const kept = useRef<Kept>(new Map());

  const load = async (first: string, before: readonly Prediction[], enough: number) => {
    const mine = (loads.current ?? 0) + 1;
    loads.current = mine;
    setLoading(true);
    try {
      const found = await readPages({ first, before, enough, isFound }, kept.current ?? new Map());
      if (loads.current !== mine) return;
      setShelf(found);
      setProblem(undefined);
    } catch (error) {
      if (loads.current === mine) setProblem(error);
    } finally {
      if (loads.current === mine) setLoading(false);
    }
  };
  const isTag = /^[^:\s]+:\S.*$/.test(search);
  const query = isTag ? `&tag=${encodeURIComponent(search)}` : '';
  const isFound = matcher(isTag ? '' : search);
  const pictures = (shelf?.predictions ?? []).filter(isFound);
  /** As much as is shown already: what was opened with "Show more" stays. */
  const reload = () =>
    load(`/v1/predictions?limit=${PAGE_SIZE}${query}`, [], Math.max(ENOUGH, pictures.length));
  const open = (shelf?.predictions ?? []).filter((prediction) => !isOver(prediction)).length;

  // A word is looked for once its typing has paused; what is there is filtered at once.
  useEffect(() => {
    const timer = setTimeout(() => void reload(), search === '' || isTag ? 0 : SEARCH_MS);
    return () => clearTimeout(timer);
  }, [version, search]);
  useWhileVisible(
    () => void reload(),
    (open > 0 ? OPEN_POLL_MS : IDLE_POLL_MS) * Math.max(1, shelf?.pages ?? 1),
  );
  return {
    pictures,
    /** How many have not ended, among the loaded pages. */
    open,
    problem,
    loading,
    isLoaded: shelf !== undefined,
    next: shelf?.next ?? null,
    more: () => {
      if (shelf?.next) void load(shelf.next, shelf.predictions, pictures.length + ENOUGH);
    },
    reload: () => void reload(),
    report: setProblem,
  };
}

function hasPicture({ output, data_removed }: Prediction): boolean {
  return output !== null && output.length > 0 && data_removed !== true;
}

/** Whether a prediction has a picture, and a prompt with all these words. */
function matcher(search: string): (prediction: Prediction) => boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (prediction) => {
    const prompt = String(prediction.input?.['prompt'] ?? '').toLowerCase();
    return hasPicture(prediction) && words.every((word) => prompt.includes(word));
  };
}

interface Reading {
  readonly first: string;
  readonly before: readonly Prediction[];
  readonly enough: number;
  readonly isFound: (prediction: Prediction) => boolean;
}

/** Pages from `first` on, until there are enough pictures among them. */
async function readPages({ first, before, enough, isFound }: Reading, kept: Kept): Promise<Shelf> {
  const predictions = [...before];
  let next: string | null = first;
  let pages = 0;
  while (next !== null && pages < MOST_PAGES) {
    const answer: Page = await call<Page>('GET', next);
    pages += 1;
    predictions.push(...answer.results.map((prediction) => keep(kept, prediction)));
    next = answer.next === null ? null : pathOf(answer.next);
    if (predictions.filter(isFound).length >= enough) break;
  }
  return { predictions, next, pages };
}

/** The prediction with the addresses that it had before, while those work. */
function keep(kept: Kept, prediction: Prediction): Prediction {
  if (!hasPicture(prediction)) return prediction;
  const before = kept.get(prediction.id);
  if (before !== undefined && Date.now() - before.at < RENEW_MS) return before.prediction;
  kept.set(prediction.id, { prediction, at: Date.now() });
  return prediction;
}
