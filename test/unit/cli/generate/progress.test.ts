import { expect, it } from 'vitest';
import { createProgress } from '#functions/cli/generate/progress.ts';

function written(isTTY: boolean): string {
  let text = '';
  let now = 0;
  const stderr = { write: (part: string) => (text += part), isTTY };
  const progress = createProgress(stderr, 2, () => now);
  progress.begin();
  now = 30_000;
  progress.made('a.png: seed 1');
  progress.made('b.png: seed 2');
  progress.end();
  return text;
}

it('says only what was made where nothing can be taken back', () => {
  expect(written(false)).toBe('a.png: seed 1\nb.png: seed 2\n');
});

it('says in a terminal what is being made, with the rate and the time left', () => {
  const clear = '\r\u001b[K';
  expect(written(true)).toBe(
    `${clear}picture 1 of 2 …${clear}a.png: seed 1\n` +
      `${clear}picture 2 of 2, 30.0 s each, about 30.0 s left …${clear}b.png: seed 2\n${clear}`,
  );
});
