import { BASE } from '#functions/api/browser/api.ts';
import { EXAMPLES, OPENING_SEED, SAMPLES } from '#functions/api/browser/live/samples.ts';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import type { Order } from './order.ts';

interface SampleChoiceProps {
  readonly model: PageModel | undefined;
  readonly chosen: string;
  choose(change: Partial<Order>): void;
}

/** Prompts to begin with: shown as what the model makes of them, where there is a sheet of that. */
export function SampleChoice({ model, chosen, choose }: SampleChoiceProps) {
  const sheet = model?.samples;
  if (sheet === undefined) return <Examples chosen={chosen} choose={choose} />;
  return (
    <ul class="samples" aria-label="Samples">
      {SAMPLES.map((prompt, index) => (
        <li key={prompt}>
          <button
            type="button"
            title={prompt}
            aria-label={prompt}
            aria-pressed={String(prompt === chosen)}
            style={{
              backgroundImage: `url("${BASE}${sheet}")`,
              backgroundPositionX: `${(index * 100) / (SAMPLES.length - 1)}%`,
              backgroundSize: `${SAMPLES.length * 100}% 100%`,
            }}
            onClick={() => choose({ prompt, seed: OPENING_SEED })}
          />
        </li>
      ))}
    </ul>
  );
}

function Examples({ chosen, choose }: Pick<SampleChoiceProps, 'chosen' | 'choose'>) {
  return (
    <ul class="examples" aria-label="Examples">
      {EXAMPLES.map((example) => (
        <li key={example}>
          <button
            type="button"
            class="chip"
            aria-pressed={String(example === chosen)}
            onClick={() => choose({ prompt: example })}
          >
            {example}
          </button>
        </li>
      ))}
    </ul>
  );
}
