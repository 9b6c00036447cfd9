import type { Model } from './model.ts';
import { type Order, randomSeed } from './order.ts';

const EXAMPLES = [
  'A photo of a dog.',
  'a red lighthouse by the sea at sunset',
  'a blue balloon over the mountains, day',
  'a small yellow house in the snow at night',
  'a green cactus in the desert at dawn',
];

interface ComposerProps {
  readonly models: readonly Model[];
  readonly order: Order;
  /** The seed of the picture on show, if there is one. */
  readonly lastSeed: number | undefined;
  readonly busy: boolean;
  readonly price: string;
  change(change: Partial<Order>): void;
  submit(): void;
  cancel(): void;
}

/** The form: a prompt, and everything that may be chosen about the picture. */
export function Composer(props: ComposerProps) {
  const { order, change, busy } = props;
  const model = props.models.find(({ name }) => name === order.model);
  return (
    <form
      class="composer"
      onSubmit={(event: Event) => {
        event.preventDefault();
        props.submit();
      }}
    >
      <label for="prompt">Prompt</label>
      <textarea
        id="prompt"
        rows={3}
        required
        value={order.prompt}
        placeholder="What should the picture show?"
        onInput={(event: Event) => change({ prompt: (event.target as HTMLTextAreaElement).value })}
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) props.submit();
        }}
      />
      <ul class="examples" aria-label="Examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" class="chip" onClick={() => change({ prompt: example })}>
              {example}
            </button>
          </li>
        ))}
      </ul>
      {props.models.length > 1 && (
        <Select
          id="model"
          label="Model"
          value={order.model}
          options={props.models.map(({ name }) => [name, name])}
          choose={(name) => change({ model: name })}
        />
      )}
      {model !== undefined && <AboutModel model={model} />}
      <div class="row">
        <Select
          id="aspect"
          label="Aspect"
          wide
          value={order.aspectRatio}
          options={(model?.aspects ?? []).map(({ ratio, width, height }) => [
            ratio,
            `${ratio} · ${width}×${height}`,
          ])}
          choose={(aspectRatio) => change({ aspectRatio })}
        />
        <Select
          id="count"
          label="Pictures"
          value={String(order.count)}
          options={['1', '2', '3', '4'].map((n) => [n, n])}
          choose={(count) => change({ count: Number(count) })}
        />
        <Select
          id="format"
          label="Format"
          value={order.format}
          options={['png', 'jpeg', 'webp'].map((format) => [format, format])}
          choose={(format) => change({ format: format as Order['format'] })}
        />
      </div>
      <SeedField {...props} />
      <div class="row actions">
        <button type="submit" class="primary" disabled={busy || order.prompt.trim() === ''}>
          Make the picture <span class="price">{props.price}</span>
        </button>
        {busy && (
          <button type="button" onClick={() => props.cancel()}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

function AboutModel({ model }: { readonly model: Model }) {
  const { description, licence } = model;
  return (
    <p class="hint about">
      {description.replace(/([^.])$/, '$1.')}
      {licence !== null && (
        <>
          {' Licence: '}
          {licence.url === undefined ? licence.name : <a href={licence.url}>{licence.name}</a>}.
        </>
      )}
    </p>
  );
}

/** A seed, or none: then every picture is drawn from a new one. */
function SeedField({ order, lastSeed, change }: ComposerProps) {
  const locked = order.seed !== null;
  return (
    <div class="field seed">
      <label for="seed">Seed</label>
      <div class="joined">
        <input
          id="seed"
          type="number"
          min="0"
          max="4294967295"
          step="1"
          placeholder="random"
          value={order.seed === null ? '' : String(order.seed)}
          onInput={(event: Event) => {
            const text = (event.target as HTMLInputElement).value;
            change({ seed: text === '' ? null : Number(text) });
          }}
        />
        <button
          type="button"
          aria-label="Draw a random seed"
          onClick={() => change({ seed: randomSeed() })}
        >
          <Icon path="M4 4h16v16H4z M8.5 8.5h.01 M15.5 8.5h.01 M12 12h.01 M8.5 15.5h.01 M15.5 15.5h.01" />
        </button>
        <button
          type="button"
          aria-pressed={locked}
          aria-label="Keep this seed"
          onClick={() => change({ seed: locked ? null : (lastSeed ?? randomSeed()) })}
        >
          <Icon path={locked ? LOCKED : UNLOCKED} />
        </button>
      </div>
    </div>
  );
}

const LOCKED = 'M5 11h14v10H5z M8 11V7a4 4 0 0 1 8 0v4';
const UNLOCKED = 'M5 11h14v10H5z M8 11V7a4 4 0 0 1 7.5-2';

/** A line drawing of 24 by 24; the button around it carries the words. */
function Icon({ path }: { readonly path: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

interface SelectProps {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** Takes a larger share of its row. */
  readonly wide?: boolean;
  readonly options: readonly (readonly [value: string, label: string])[];
  choose(value: string): void;
}

function Select({ id, label, value, wide, options, choose }: SelectProps) {
  return (
    <div class={wide === true ? 'field wide' : 'field'}>
      <label for={id}>{label}</label>
      <select
        id={id}
        onChange={(event: Event) => choose((event.target as HTMLSelectElement).value)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
