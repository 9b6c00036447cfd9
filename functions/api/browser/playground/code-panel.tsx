import { useState } from 'hono/jsx/dom';
import { BASE } from '#functions/api/browser/api.ts';
import { CopyButton } from '#functions/api/browser/parts/copy-button.tsx';
import { codeSamples, type Target } from './code-samples.ts';
import type { Order } from './order.ts';

/** The call that the form stands for, in the reader's own language. */
export function CodePanel({ order, size }: { readonly order: Order } & Pick<Target, 'size'>) {
  const samples = codeSamples(order, { origin: location.origin + BASE, size });
  const [chosen, setChosen] = useState(0);
  const sample = samples[chosen];
  const choose = (index: number) => {
    const at = (index + samples.length) % samples.length;
    setChosen(at);
    document.getElementById(`code-tab-${at}`)?.focus();
  };
  return (
    <details class="code">
      <summary>As code</summary>
      <div
        class="row"
        role="tablist"
        aria-label="Language"
        onKeyDown={(event: KeyboardEvent) => {
          if (event.key === 'ArrowRight') choose(chosen + 1);
          if (event.key === 'ArrowLeft') choose(chosen - 1);
        }}
      >
        {samples.map(({ name }, index) => (
          <button
            key={name}
            id={`code-tab-${index}`}
            type="button"
            role="tab"
            class="chip"
            aria-selected={String(index === chosen)}
            aria-controls="code-sample"
            tabIndex={index === chosen ? 0 : -1}
            onClick={() => setChosen(index)}
          >
            {name}
          </button>
        ))}
      </div>
      <div id="code-sample" role="tabpanel" aria-labelledby={`code-tab-${chosen}`}>
        <pre tabIndex={0}>{sample?.code}</pre>
        <p class="row">
          <CopyButton text={sample?.code ?? ''} label="Copy code" />
          <span class="small">{sample?.setup}</span>
        </p>
      </div>
    </details>
  );
}
