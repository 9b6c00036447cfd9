import { describe, expect, it } from 'vitest';
import { nameWords } from '#shared/core/prompt-words.ts';
import { STRANGERS_PROMPTS } from '#test/helpers/strangers-prompts.ts';
import { openPage } from './open-page.ts';
import { arrive, SLOW, visitServer } from './visit-server.ts';

const visited = visitServer();

describe('forty prompts of strangers', () => {
  it('have each unknown word named on the page before the order, and a known prompt none', async () => {
    expect(STRANGERS_PROMPTS.length).toBeGreaterThanOrEqual(40);
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    for (const [prompt, ...unknown] of STRANGERS_PROMPTS) {
      await page.fill('#prompt', prompt);
      const named = unknown.length === 0 ? /^$/ : `This model doesn’t know ${nameWords(unknown)}`;
      // Longer than the pause after which a word counts as typed.
      await page.waitForTimeout(600);
      const hint = expect.poll(() => page.textContent('#prompt-words'), {
        ...SLOW,
        message: prompt,
      });
      await (typeof named === 'string' ? hint.toContain(named) : hint.toMatch(named));
    }
    expect(errors).toEqual([]);
  }, 120_000);

  it('have them named in the answer as well', async () => {
    for (const [prompt, ...unknown] of STRANGERS_PROMPTS) {
      if (prompt === '') continue;
      const answer = await visited.server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input: { prompt, width: 64, height: 64 } },
        headers: { prefer: 'wait=50' },
      });
      const { status, warnings } = (await answer.json()) as { status: string; warnings: string[] };
      expect(status, prompt).toBe('succeeded');
      if (unknown.length === 0) expect(warnings, prompt).toEqual([]);
      else {
        const told = warnings.find((warning) => warning.startsWith('unknown-words: '));
        for (const word of unknown) expect(told, prompt).toContain(`“${word}”`);
      }
    }
  }, 240_000);
});
