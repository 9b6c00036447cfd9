import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nameWords, readPrompt } from '#shared/core/prompt-words.ts';
import { fromRoot } from '#test/helpers/root.ts';

const DEMO: { readonly words: readonly string[] } = JSON.parse(
  readFileSync(fromRoot('models/demo/repo/onestep.json'), 'utf8'),
);

/** What strangers type, with the words of each that the demo model doesn't know. */
const PROMPTS: readonly (readonly [prompt: string, ...unknown: string[]])[] = [
  ['A photo of a dog.'],
  ['an astronaut riding a horse', 'riding'],
  ['a portrait of a woman'],
  ['a bowl of fruit'],
  ['a red car in the city at night'],
  ['two cats and a dog', 'two'],
  ['a cup of coffee on a table', 'table'],
  ['cyberpunk samurai, neon lights, 8k', 'cyberpunk', 'samurai', 'neon', 'lights', 'k'],
  ['a castle on a hill', 'hill'],
  ['the Eiffel Tower at sunset', 'eiffel'],
  ['a cute puppy', 'cute'],
  ['mountains'],
  ['a golden retriever in the park', 'golden', 'retriever'],
  ['pizza'],
  ['a robot holding a flower', 'holding'],
  ["my daughter's birthday cake", 'daughter', 'birthday'],
  ['a spaceship in space'],
  ['an ice cream on the beach'],
  ['a blue dragon over the mountains'],
  ['a knight', 'knight'],
  ['un chat sur la plage', 'un', 'chat', 'sur', 'la', 'plage'],
  ['一只狗', '一只狗'],
  ['A DOG IN THE SNOW'],
  ['dog, dog, dog'],
  ['a teddy bear with a balloon'],
  ['a sports car', 'sports'],
  ['logo for a coffee shop', 'logo', 'shop'],
  ['van gogh starry night', 'van', 'gogh', 'starry'],
  ['an owl in the forest at midnight'],
  ['a unicorn under a rainbow', 'rainbow'],
  ['a very old oak tree', 'very', 'old'],
  ['black-and-white penguin'],
  ['a house by the sea in winter'],
  ['dolphins'],
  ['santa claus in the city', 'claus'],
  ['a wizard with a hat'],
  ['an elephant, detailed', 'detailed'],
  ['a picture of you and me'],
  ['1girl'],
  [''],
];

describe('reading a prompt by a small vocabulary', () => {
  it.each(PROMPTS)('names what is unknown in %j', (prompt, ...unknown) => {
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
