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
  const [tag, setTag] = useState('');
  const [doomed, setDoomed] = useState<Prediction | undefined>(undefined);
  const gallery = useGallery(version, tag);
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
        <label for="tag">Tag</label>
        <input
          id="tag"
          type="search"
          placeholder="name:value"
          value={tag}
          onInput={(event: Event) => setTag((event.target as HTMLInputElement).value)}
        />
      </div>
      <p class="small" role="status">
        {open > 0 && `${counted(open, 'prediction')} on the way. Pictures appear as they are made.`}
      </p>
      {problem !== undefined && <Notice problem={problem} retry={gallery.reload} />}
      {pictures.length === 0 && problem === undefined && (
        <p class="empty">{emptyText(gallery.isLoaded, tag, open)}</p>
      )}
      <ul class="tiles">
        {pictures.map((prediction) => (
          <Tile
            key={prediction.id}
            prediction={prediction}
            show={() => show(prediction)}
            replay={() => replay(prediction.id)}
            remove={() => setDoomed(prediction)}
            filter={setTag}
          />
        ))}
      </ul>
      {gallery.next !== null && (
        <button type="button" disabled={gallery.loading} onClick={gallery.more}>
          {gallery.loading ? 'Loading …' : 'Show more'}
        </button>
      )}
      {doomed !== undefined && (
        <Confirm
          title="Delete this picture?"
          text={`“${shortened(promptOf(doomed))}”: its pictures and its prompt are erased for good. What it cost stays in the ledger.`}
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

function emptyText(isLoaded: boolean, tag: string, open: number): string {
  if (!isLoaded) return 'Loading …';
  if (tag !== '') return `No pictures with the tag “${tag}”. Tags are “name:value”.`;
  return open > 0 ? 'The first ones are on the way.' : 'Your pictures gather here.';
}
