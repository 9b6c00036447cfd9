import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, readFromRoot } from './root.ts';

/** A fenced block of a document. */
export interface Block {
  readonly language: string;
  readonly excuse: string | undefined;
  readonly code: string;
  readonly line: number;
}

export function blocksOf(file: string): readonly Block[] {
  const text = readFromRoot(file);
  return [...text.matchAll(/^```(\w+)(?: (\w+))?\n(.*?)^```$/gms)].map((match) => ({
    language: match[1] ?? '',
    excuse: match[2],
    code: match[3] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}

export const FILES = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
].filter((file) => file.endsWith('.md'));
