import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nameWords, readPrompt } from '#shared/core/prompt-words.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { STRANGERS_PROMPTS } from '#test/helpers/strangers-prompts.ts';

const DEMO: { readonly words: readonly string[] } = JSON.parse(
  readFileSync(fromRoot('models/demo/repo/onestep.json'), 'utf8'),
);

describe('reading a prompt by a small vocabulary', () => {
  it.each(STRANGERS_PROMPTS)('names what is unknown in %j', (prompt, ...unknown) => {
    expect(readPrompt(prompt, DEMO.words).unknown).toEqual(unknown);
  });

  it('counts the words that are known, and no small ones', () => {
    expect(readPrompt('a dog in the snow', DEMO.words).known).toBe(2);
    expect(readPrompt('a photo of the samurai', DEMO.words)).toEqual({
      unknown: ['samurai'],
      known: 0,
    });
  });

  it('knows nothing by an empty vocabulary', () => {
    expect(readPrompt('a dog', [])).toEqual({ unknown: ['dog'], known: 0 });
  });
});

describe('naming words', () => {
  it('quotes them, a few at most', () => {
    expect(nameWords(['one'])).toBe('“one”');
    expect(nameWords(['one', 'two'])).toBe('“one” and “two”');
    expect(nameWords(['one', 'two', 'three'])).toBe('“one”, “two” and “three”');
    const many = Array.from({ length: 11 }, (_, i) => `w${i}`);
    expect(nameWords(many)).toMatch(/^“w0”, .*“w7” and 3 more$/);
  });

  it('cuts what is endless', () => {
    expect(nameWords(['x'.repeat(5000)]).length).toBeLessThan(50);
  });
});
