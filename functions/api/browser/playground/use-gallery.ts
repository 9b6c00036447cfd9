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
/** URLs of pictures work for a quarter of an hour; until then they are kept, so nothing reloads. */
const RENEW_MS = 10 * 60_000;

/** Everything that this account has made, kept up to date while the page is visible. */
export function useGallery(version: number, tag: string) {
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
      const found = await readPages(first, before, enough, kept.current ?? new Map());
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

/** Pages from `first` on, until there are enough pictures among them. */
async function readPages(
  first: string,
  before: readonly Prediction[],
  enough: number,
  kept: Kept,
): Promise<Shelf> {
  const predictions = [...before];
  let next: string | null = first;
  let pages = 0;
  while (next !== null && pages < MOST_PAGES) {
    const answer: Page = await call<Page>('GET', next);
    pages += 1;
    predictions.push(...answer.results.map((prediction) => keep(kept, prediction)));
    next = answer.next === null ? null : pathOf(answer.next);
    if (predictions.filter(hasPicture).length >= enough) break;
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
