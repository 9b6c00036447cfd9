import { useEffect, useState } from 'hono/jsx/dom';

const SHOWN_MS = 1500;

/** Copies a text, and says for a moment that it did. */
export function CopyButton({
  text,
  label = 'Copy',
}: {
  readonly text: string;
  readonly label?: string;
}) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => setSaid(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => setSaid((await copyText(text)) ? 'Copied' : 'Can’t copy here');
  return (
    <>
      <button type="button" class="quiet copy" onClick={() => void copy()}>
        {said === '' ? label : said}
      </button>
      <span class="sr" role="status">
        {said}
      </span>
    </>
  );
}

/** By the clipboard API or, where a page has none (plain http, no permission), the older way. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

function copySelection(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr';
  // A modal dialog makes everything outside itself inert.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
