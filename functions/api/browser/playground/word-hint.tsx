import { useEffect, useState } from 'hono/jsx/dom';
import type { PageModel } from '#functions/api/pages/page-schema.ts';
import { nameWords, readPrompt } from '#shared/core/prompt-words.ts';

/** How long a pause ends a word that is being typed. */
const PAUSE_MS = 500;

interface WordHintProps {
  readonly prompt: string;
  readonly model: PageModel | undefined;
  readonly asked: boolean;
}

/** Says which words of the prompt the model ignores, and asks before it draws none of them. */
export function WordHint({ prompt, model, asked }: WordHintProps) {
  const [settled, setSettled] = useState(prompt);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(prompt), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [prompt]);
  // “ho” is not unknown while somebody types “house”.
  const said = asked || settled === prompt ? prompt : prompt.replace(/\S+$/, '');
  return (
    <p id="prompt-words" class="words" role="status">
      {hintOf(said, model?.words, asked)}
    </p>
  );
}

/** Whether a model that lists its words knows none of the prompt's. */
export function knowsNothing(prompt: string, words: readonly string[] | undefined): boolean {
  if (words === undefined) return false;
  const { known, unknown } = readPrompt(prompt, words);
  return known === 0 && unknown.length > 0;
}

function hintOf(prompt: string, words: readonly string[] | undefined, asked: boolean): string {
  if (words === undefined) return '';
  const { known, unknown } = readPrompt(prompt, words);
  if (unknown.length === 0) return '';
  if (known > 0) return `This model doesn’t know ${nameWords(unknown)}; it draws the rest.`;
  const none = `This model doesn’t know ${nameWords(unknown)}.`;
  return asked
    ? `${none} Press again to get a picture of something else, at the usual price.`
    : none;
}
