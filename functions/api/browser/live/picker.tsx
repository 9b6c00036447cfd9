import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { choicesOf, PARTS, pickedIn, promptOfPicked } from './picker-choices.ts';

interface PickerProps {
  readonly model: PageModel | undefined;
  readonly prompt: string;
  choose(prompt: string): void;
}

/** Subject, colour, place and time of day, picked rather than typed; it follows what is typed as well. */
export function Picker({ model, prompt, choose }: PickerProps) {
  const choices = choicesOf(model);
  if (choices === undefined) return null;
  const picked = pickedIn(prompt);
  return (
    <fieldset class="picker">
      <legend>Or pick</legend>
      {PARTS.map(({ part, label }) => (
        <div key={part} class="field">
          <label for={`pick-${part}`}>{label}</label>
          <select
            id={`pick-${part}`}
            value={picked[part]}
            onChange={(event: Event) =>
              choose(
                promptOfPicked({ ...picked, [part]: (event.target as HTMLSelectElement).value }),
              )
            }
          >
            <option value="" selected={picked[part] === ''}>
              any
            </option>
            {choices[part].map(({ word, text }) => (
              <option key={word} value={word} selected={picked[part] === word}>
                {text}
              </option>
            ))}
          </select>
        </div>
      ))}
    </fieldset>
  );
}
