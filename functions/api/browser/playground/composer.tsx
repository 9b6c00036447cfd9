import { Choice } from '#functions/api/browser/parts/choice.tsx';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { ModelChoice } from './model-choice.tsx';
import type { Order } from './order.ts';
import { SeedField } from './seed-field.tsx';
import { WordHint } from './word-hint.tsx';

const EXAMPLES = [
  'A photo of a dog.',
  'a rocket in space',
  'a red fox in the snow',
  'a penguin on the beach at sunset',
  'a cat and a robot in the mountains',
];

interface ComposerProps {
  readonly models: readonly PageModel[];
  readonly order: Order;
  /** The seed of the picture on show, if there is one. */
  readonly lastSeed: number | undefined;
  readonly busy: boolean;
  /** The prompt was submitted once, and the model knows none of its words. */
  readonly asked: boolean;
  readonly price: string;
  change(change: Partial<Order>): void;
  submit(): void;
}

/** The form: a prompt, and everything that may be chosen about the picture. */
export function Composer(props: ComposerProps) {
  const { order, change, busy } = props;
  const model = props.models.find(({ name }) => name === order.model);
  const ready = !busy && order.prompt.trim() !== '';
  return (
    <form
      class="composer"
      onSubmit={(event: Event) => {
        event.preventDefault();
        props.submit();
      }}
    >
      <PromptField {...props} />
      <WordHint prompt={order.prompt} model={model} asked={props.asked} />
      <button type="submit" class="primary" aria-disabled={ready ? undefined : 'true'}>
        <span>{order.count === 1 ? 'Make the picture' : `Make ${order.count} pictures`}</span>
        <span class="price">{props.price}</span>
        <kbd>Enter</kbd>
      </button>
      <Examples chosen={order.prompt} choose={(prompt) => change({ prompt })} />
      <ModelChoice
        models={props.models}
        chosen={model}
        choose={(name) => change({ model: name })}
      />
      {model !== undefined && <Shape model={model} order={order} change={change} />}
      <div class="row">
        <Choice
          name="count"
          legend="Pictures"
          value={String(order.count)}
          options={Array.from({ length: Math.min(4, model?.maxOutputs ?? 1) }, (_, i) => ({
            value: String(i + 1),
            label: i + 1,
          }))}
          choose={(count) => change({ count: Number(count) })}
        />
        <Choice
          name="format"
          legend="Format"
          value={order.format}
          options={(model?.formats ?? []).map((format) => ({ value: format, label: format }))}
          choose={(format) => change({ format })}
        />
      </div>
      <SeedField seed={order.seed} lastSeed={props.lastSeed} change={(seed) => change({ seed })} />
    </form>
  );
}

function PromptField({ order, change, submit }: ComposerProps) {
  return (
    <div class="field">
      <label for="prompt">Prompt</label>
      <textarea
        id="prompt"
        rows={3}
        value={order.prompt}
        placeholder="What should the picture show?"
        aria-describedby="prompt-hint prompt-words"
        onInput={(event: Event) => change({ prompt: (event.target as HTMLTextAreaElement).value })}
        onKeyDown={(event: KeyboardEvent) => {
          // Enter may also end a word that an input method composes.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <p id="prompt-hint" class="sr">
        Enter makes the picture, Shift and Enter begin a new line, Escape cancels.
      </p>
    </div>
  );
}

interface ExamplesProps {
  readonly chosen: string;
  choose(prompt: string): void;
}

function Examples({ chosen, choose }: ExamplesProps) {
  return (
    <ul class="examples" aria-label="Examples">
      {EXAMPLES.map((example) => (
        <li key={example}>
          <button
            type="button"
            class="chip"
            aria-pressed={String(example === chosen)}
            onClick={() => choose(example)}
          >
            {example}
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ShapeProps {
  readonly model: PageModel;
  readonly order: Order;
  change(change: Partial<Order>): void;
}

/** The aspect ratios, each drawn as what it is. */
function Shape({ model, order, change }: ShapeProps) {
  const chosen = model.aspects.find(({ ratio }) => ratio === order.aspectRatio);
  return (
    <Choice
      name="aspect"
      legend={
        <>
          Shape{' '}
          {chosen !== undefined && (
            <span class="small">
              {chosen.width} × {chosen.height}
            </span>
          )}
        </>
      }
      value={order.aspectRatio}
      options={model.aspects.map(({ ratio, width, height }) => ({
        value: ratio,
        name: `${ratio}, ${width} by ${height} pixels`,
        label: (
          <>
            <i class="shape" style={{ aspectRatio: `${width} / ${height}` }} />
            {ratio}
          </>
        ),
      }))}
      choose={(aspectRatio) => change({ aspectRatio })}
    />
  );
}
