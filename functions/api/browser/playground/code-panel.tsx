import { useState } from 'hono/jsx/dom';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { codeSamples } from './code-samples.ts';
import type { Order } from './order.ts';

/** The call that the form stands for, in the reader's own language. */
export function CodePanel({ order }: { readonly order: Order }) {
  const samples = codeSamples(order, location.origin);
  const [chosen, setChosen] = useState(samples[0]?.name ?? '');
  const sample = samples.find(({ name }) => name === chosen);
  return (
    <details class="code">
      <summary>As code</summary>
      <div class="row" role="tablist" aria-label="Language">
        {samples.map(({ name }) => (
          <button
            key={name}
            type="button"
            role="tab"
            class="chip"
            aria-selected={name === chosen}
            onClick={() => setChosen(name)}
          >
            {name}
          </button>
        ))}
      </div>
      <CopyButton text={sample?.code ?? ''} label="Copy code" />
      <pre tabIndex={0}>{sample?.code}</pre>
    </details>
  );
}
