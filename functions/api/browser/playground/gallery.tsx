import { useState } from 'hono/jsx/dom';
import { call } from '#functions/api/browser/api.ts';
import { counted } from '#functions/api/browser/format.ts';
import { Confirm } from '#functions/api/browser/parts/confirm.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { promptOf, Tile } from './tile.tsx';
import { useGallery } from './use-gallery.ts';

interface GalleryProps {
  /** Increases whenever there is something new to show. */
  readonly version: number;
  show(prediction: Prediction): void;
  replay(id: string): void;
  /** A prediction's pictures were deleted. */
  removed(id: string): void;
}

/** Everything that this account has made, newest first, page by page. */
export function Gallery({ version, show, replay, removed }: GalleryProps) {
  const [search, setSearch] = useState('');
  const [doomed, setDoomed] = useState<Prediction | undefined>(undefined);
  const gallery = useGallery(version, search);
  const { pictures, open, problem } = gallery;

  const remove = async ({ id }: Prediction) => {
    try {
      await call('DELETE', `/v1/predictions/${id}`);
      removed(id);
      gallery.reload();
    } catch (error) {
      gallery.report(error);
    }
  };
  return (
    <section class="gallery" aria-labelledby="gallery-title" aria-busy={String(gallery.loading)}>
      <div class="row heading">
        <h2 id="gallery-title" tabIndex={-1}>
          Gallery
        </h2>
        <label for="search" class="sr">
          Search
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search prompts, or name:value"
          value={search}
          onInput={(event: Event) => setSearch((event.target as HTMLInputElement).value)}
        />
      </div>
      <p class="small" role="status">
        {open > 0 && `${counted(open, 'prediction')} in progress.`}
      </p>
      {problem !== undefined && <Notice problem={problem} retry={gallery.reload} />}
      {pictures.length === 0 && problem === undefined && (
        <p class="empty">{emptyText(gallery, search)}</p>
      )}
      <ul class="tiles">
        {pictures.map((prediction) => (
          <Tile
            key={prediction.id}
            prediction={prediction}
            show={() => show(prediction)}
            replay={() => replay(prediction.id)}
            remove={() => setDoomed(prediction)}
            filter={setSearch}
          />
        ))}
      </ul>
      {gallery.next !== null && (
        <button type="button" disabled={gallery.loading} onClick={gallery.more}>
          {gallery.loading ? 'Loading…' : search === '' ? 'Show more' : 'Search older pictures'}
        </button>
      )}
      {doomed !== undefined && (
        <Confirm
          title="Delete this picture?"
          text={`“${shortened(promptOf(doomed))}”: the pictures and the prompt are deleted for good. The charge stays in the ledger.`}
          action="Delete"
          confirm={() => {
            document.getElementById('gallery-title')?.focus();
            void remove(doomed);
          }}
          close={() => setDoomed(undefined)}
        />
      )}
    </section>
  );
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function emptyText(
  { isLoaded, next, open }: ReturnType<typeof useGallery>,
  search: string,
): string {
  if (!isLoaded) return 'Loading…';
  if (search !== '') {
    return next === null
      ? `No pictures match “${search}”.`
      : `No recent pictures match “${search}”.`;
  }
  return open > 0 ? 'Your first pictures are being made.' : 'The pictures you make are kept here.';
}
