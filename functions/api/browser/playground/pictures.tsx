import type { Child } from 'hono/jsx';
import { fileName } from '#functions/api/browser/format.ts';
import { Icon } from '#functions/api/browser/parts/icon.tsx';
import { SaveLink } from '#functions/api/browser/parts/save-link.tsx';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import { Noise } from './noise.tsx';

/** How many pictures of which shape. */
export interface Layout {
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

/** The pictures' places: the same before, while and after they are made, so that nothing jumps. */
export function Frames({
  layout,
  children,
}: {
  readonly layout: Layout;
  readonly children?: Child;
}) {
  const { count, width, height } = layout;
  const columns = count === 1 ? 1 : 2;
  const rows = Math.ceil(count / columns);
  return (
    <div
      class="frames"
      style={{
        '--columns': String(columns),
        '--ratio': String(width / height),
        '--whole': String((width * columns) / (height * rows)),
      }}
    >
      {children}
    </div>
  );
}

/** Noise where the pictures will be. */
export function EmptyFrames({
  layout,
  moving,
}: {
  readonly layout: Layout;
  readonly moving: boolean;
}) {
  return (
    <Frames layout={layout}>
      {Array.from({ length: layout.count }, (_, index) => (
        <div key={index} class="frame">
          <Noise ratio={layout.width / layout.height} moving={moving} />
        </div>
      ))}
    </Frames>
  );
}

interface PicturesProps {
  readonly prediction: Prediction;
  /** Just made: the pictures come out of the noise. */
  readonly fresh: boolean;
  /** It follows the form, which has its seed. */
  readonly isLive: boolean;
  keepSeed(seed: number): void;
}

/** What was made, each picture with its seed and a way to keep it. */
export function Pictures({ prediction, fresh, isLive, keepSeed }: PicturesProps) {
  const urls = prediction.output ?? [];
  const prompt = String(prediction.input?.['prompt'] ?? 'picture');
  const images = prediction.receipt?.images ?? [];
  const [first] = images;
  const layout = { count: urls.length, width: first?.width ?? 1, height: first?.height ?? 1 };
  return (
    <div class={fresh ? 'pictures fresh' : 'pictures'}>
      <Frames layout={layout}>
        {urls.map((url, index) => {
          const seed = images[index]?.seed;
          return (
            <figure key={index} class="frame">
              {fresh && <Noise ratio={layout.width / layout.height} moving={false} />}
              <a href={url} target="_blank" rel="noopener">
                <img
                  src={url}
                  width={first?.width}
                  height={first?.height}
                  alt={urls.length === 1 ? prompt : `${prompt} (${index + 1} of ${urls.length})`}
                />
              </a>
              <figcaption class="row">
                {seed !== undefined && !isLive && (
                  <button
                    type="button"
                    class="on-picture"
                    title="Keep this seed"
                    aria-label={`Keep seed ${seed}`}
                    onClick={() => keepSeed(seed)}
                  >
                    <Icon name="unlocked" /> {seed}
                  </button>
                )}
                <SaveLink
                  class="on-picture"
                  url={url}
                  name={fileName(prompt, seed, url)}
                  label={`Save picture ${index + 1}`}
                >
                  <Icon name="download" />
                </SaveLink>
              </figcaption>
            </figure>
          );
        })}
      </Frames>
    </div>
  );
}
