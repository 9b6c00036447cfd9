import type { Child } from 'hono/jsx';

export interface Option {
  readonly value: string;
  readonly label: Child;
  /** What a screen reader says where the label is a drawing or too short. */
  readonly name?: string;
}

interface ChoiceProps {
  readonly name: string;
  readonly legend: Child;
  readonly value: string;
  readonly options: readonly Option[];
  /** How the options are laid out: in a row that shares one frame, or as cards. */
  readonly look?: 'segments' | 'cards';
  choose(value: string): void;
}

/** One of a few: radio buttons, so that arrow keys and screen readers work as usual. */
export function Choice({ name, legend, value, options, look = 'segments', choose }: ChoiceProps) {
  return (
    <fieldset class="choice" id={name}>
      <legend>{legend}</legend>
      <div class={look}>
        {options.map((option) => (
          <label key={option.value} class="option">
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              aria-label={option.name}
              onChange={() => choose(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
