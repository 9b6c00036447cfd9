import { useState } from 'hono/jsx/dom';

/** Copies a text, and says for a moment that it did. */
export function CopyButton({
  text,
  label = 'Copy',
}: {
  readonly text: string;
  readonly label?: string;
}) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      setSaid('Press Ctrl+C');
    }
    setTimeout(() => setSaid(''), 1500);
  };
  return (
    <button type="button" class="quiet" aria-live="polite" onClick={() => void copy()}>
      {said === '' ? label : said}
    </button>
  );
}
