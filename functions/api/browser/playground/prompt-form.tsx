import { LiveSwitch } from '#functions/api/browser/live/live-switch.tsx';
import type { LiveFigures } from '#functions/api/browser/live/use-live.ts';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import type { Order } from './order.ts';
import { WordHint } from './word-hint.tsx';

interface PromptFormProps {
  readonly order: Order;
  readonly model: PageModel | undefined;
  readonly busy: boolean;
  /** The prompt was submitted once, and the model knows none of its words. */
  readonly asked: boolean;
  /** Of the order, and of one live picture. */
  readonly price: string;
  readonly livePrice: string;
  readonly isLive: boolean;
  readonly figures: LiveFigures;
  change(change: Partial<Order>): void;
  setLive(isOn: boolean): void;
  submit(): void;
}

/** The prompt, whether it is drawn while one types, and the button that makes what is kept. */
export function PromptForm(props: PromptFormProps) {
  const { order, busy, isLive } = props;
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
      <WordHint prompt={order.prompt} model={props.model} asked={props.asked} />
      <LiveSwitch
        isOn={isLive}
        price={props.livePrice}
        figures={props.figures}
        change={props.setLive}
      />
      <button type="submit" class="primary" aria-disabled={ready ? undefined : 'true'}>
        <span>{buttonText(order.count, isLive)}</span>
        <span class="price">{props.price}</span>
        <kbd>Enter</kbd>
      </button>
    </form>
  );
}

function buttonText(count: number, isLive: boolean): string {
  if (count > 1) return `Make ${count} pictures`;
  return isLive ? 'Keep this picture' : 'Make the picture';
}

function PromptField({ order, change, submit }: PromptFormProps) {
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
        Press Enter to make the picture, Shift+Enter for a new line, Escape to cancel.
      </p>
    </div>
  );
}
