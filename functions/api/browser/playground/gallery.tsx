import { useEffect, useState } from 'hono/jsx/dom';
import { call, type Prediction } from '#functions/api/browser/api.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { Notice } from '#functions/api/browser/parts/notice.tsx';

interface Page {
  readonly results: readonly Prediction[];
  readonly next: string | null;
}

interface GalleryProps {
  /** Grows whenever there is something new to show. */
  readonly version: number;
  show(prediction: Prediction): void;
  replay(id: string): void;
}

/** Everything that this account has made, newest first, page by page. */
export function Gallery({ version, show, replay }: GalleryProps) {
  const [tag, setTag] = useState('');
  const [pages, setPages] = useState<readonly Page[]>([]);
  const [problem, setProblem] = useState<unknown>(undefined);

  const load = (path: string, before: readonly Page[]) => {
    call<Page>('GET', path).then(
      (page) => {
        setPages([...before, page]);
        setProblem(undefined);
      },
      (error: unknown) => setProblem(error),
    );
  };
  const query = /^[^:\s]+:.+$/.test(tag) ? `&tag=${encodeURIComponent(tag)}` : '';
  const reload = () => load(`/v1/predictions?limit=24${query}`, []);
  useEffect(reload, [version, query]);

  const remove = async (id: string) => {
    try {
      await call('DELETE', `/v1/predictions/${id}`);
      reload();
    } catch (error) {
      setProblem(error);
    }
  };
  const shown = pages
    .flatMap(({ results }) => results)
    .filter(
      ({ output, data_removed }) => output !== null && output.length > 0 && data_removed !== true,
    );
  const next = pages.at(-1)?.next ?? null;
  return (
    <section class="gallery" aria-label="Gallery">
      <div class="row heading">
        <h2>Gallery</h2>
        <label for="tag">Tag</label>
        <input
          id="tag"
          placeholder="name:value"
          value={tag}
          onInput={(event: Event) => setTag((event.target as HTMLInputElement).value)}
        />
      </div>
      {problem !== undefined && <Notice problem={problem} />}
      {shown.length === 0 && problem === undefined && <p class="hint">Nothing here yet.</p>}
      <ul class="tiles">
        {shown.map((prediction) => (
          <Tile
            key={prediction.id}
            prediction={prediction}
            show={() => show(prediction)}
            replay={() => replay(prediction.id)}
            remove={() => void remove(prediction.id)}
          />
        ))}
      </ul>
      {next !== null && (
        <button type="button" onClick={() => load(pathOf(next), pages)}>
          Show more
        </button>
      )}
    </section>
  );
}

/** `next` is absolute; behind a proxy its origin may differ from the page's. */
function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

interface TileProps {
  readonly prediction: Prediction;
  show(): void;
  replay(): void;
  remove(): void;
}

function Tile({ prediction, show, replay, remove }: TileProps) {
  const prompt = String(prediction.input?.['prompt'] ?? 'picture');
  const url = prediction.output?.[0] ?? '';
  return (
    <li>
      <button type="button" class="picture" onClick={show} aria-label={`Show: ${prompt}`}>
        <img src={url} alt="" loading="lazy" />
      </button>
      <p title={prompt}>{prompt}</p>
      <p class="small">
        {when(prediction.created_at)} · {usd(prediction.cost ?? 0)}
      </p>
      <p class="row">
        <a class="button quiet" href={url} download={`${prediction.id}.${extension(url)}`}>
          Download
        </a>
        <button type="button" class="quiet" onClick={replay}>
          Replay
        </button>
        <button
          type="button"
          class="quiet danger"
          onClick={remove}
          aria-label={`Delete: ${prompt}`}
        >
          Delete
        </button>
      </p>
    </li>
  );
}

function extension(url: string): string {
  return /\.(png|jpeg|jpg|webp)(?:\?|$)/.exec(url)?.[1] ?? 'png';
}
