import { fileName, usd, when } from '#functions/api/browser/format.ts';
import { Icon } from '#functions/api/browser/parts/icon.tsx';
import { SaveLink } from '#functions/api/browser/parts/save-link.tsx';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';

interface TileProps {
  readonly prediction: Prediction;
  show(): void;
  replay(): void;
  remove(): void;
  /** Shows only what has this tag. */
  filter(tag: string): void;
}

export function promptOf({ input }: Prediction): string {
  return String(input?.['prompt'] ?? 'picture');
}

/** One prediction in the gallery: its first picture, how it was ordered, and what can be done with it. */
export function Tile({ prediction, show, replay, remove, filter }: TileProps) {
  const prompt = promptOf(prediction);
  const urls = prediction.output ?? [];
  const url = urls[0] ?? '';
  const tags = Object.entries(prediction.metadata);
  return (
    <li>
      <button
        type="button"
        class="picture"
        onClick={show}
        aria-label={urls.length > 1 ? `Show ${urls.length} pictures: ${prompt}` : `Show: ${prompt}`}
      >
        <img src={url} alt="" loading="lazy" />
        {urls.length > 1 && <span class="many">{urls.length}</span>}
      </button>
      <p title={prompt}>{prompt}</p>
      <p class="small">
        {when(prediction.created_at)} · {usd(prediction.cost ?? 0)}
      </p>
      {tags.length > 0 && (
        <p class="tags">
          {tags.map(([name, value]) => (
            <button
              key={name}
              type="button"
              class="chip"
              onClick={() => filter(`${name}:${value}`)}
            >
              {name}:{value}
            </button>
          ))}
        </p>
      )}
      <p class="row tools">
        <SaveLink
          class="button quiet"
          url={url}
          name={fileName(prompt, prediction.seed, url)}
          label={`Save: ${prompt}`}
        >
          <Icon name="download" /> Save
        </SaveLink>
        <button type="button" class="quiet" onClick={replay} aria-label={`Replay: ${prompt}`}>
          <Icon name="again" /> Replay
        </button>
        <button
          type="button"
          class="quiet danger"
          onClick={remove}
          aria-label={`Delete: ${prompt}`}
          title="Delete"
        >
          <Icon name="bin" />
        </button>
      </p>
    </li>
  );
}
