import { existsSync } from 'node:fs';
import { AppError } from '#shared/core/errors.ts';

/** An adapter as the user named it: a file here or on the hub, and how strongly it is applied. */
export interface NamedLora {
  readonly text: string;
  readonly scale: number;
}

/**
 * Reads `FILE[:SCALE]`; the scale is 1 by default.
 *
 * @throws AppError `invalid-request` for a scale that is not a number
 */
export function readLora(word: string): NamedLora {
  const end = word.lastIndexOf(':');
  if (end < 0 || existsSync(word)) return { text: word, scale: 1 };
  const [text, scale] = [word.slice(0, end), word.slice(end + 1)];
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(scale)) return { text, scale: Number(scale) };
  throw new AppError('invalid-request', `--lora ${word} does not work: it is FILE or FILE:SCALE.`);
}
