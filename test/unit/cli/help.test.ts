import { describe, expect, it } from 'vitest';
import { COMMANDS } from '#functions/cli/commands.ts';
import { overviewHelp } from '#functions/cli/help.ts';
import { asCalled } from '#functions/cli/program-name.ts';
import { nearest } from '#shared/core/nearest.ts';

const WORDS = ['start', 'serve', 'keys', 'generate', 'top'];

describe('nearest', () => {
  it.each([
    ['generat', 'generate'],
    ['genrate', 'generate'],
    ['genreate', 'generate'],
    ['strat', 'start'],
    ['KEYS', 'keys'],
    ['gen', 'generate'],
    ['tpo', 'top'],
    ['t', undefined],
    ['weather', undefined],
  ])('%s was meant as %s', (given, word) => {
    expect(nearest(given, WORDS)).toBe(word);
  });
});

describe('asCalled', () => {
  it('writes commands as they can be pasted in a clone', () => {
    const text = 'Start one with "onestep start".\n\nExamples:\n  onestep top\nonestep.config.json';
    expect(asCalled(text, {})).toBe(text);
    expect(asCalled(text, { npm_lifecycle_event: 'onestep' })).toBe(
      'Start one with "npx --no onestep start".\n\nExamples:\n  npx --no onestep top\nonestep.config.json',
    );
  });
});

describe('overviewHelp', () => {
  it('names every command once', async () => {
    const text = await overviewHelp();
    for (const name of Object.keys(COMMANDS)) {
      expect(text.match(new RegExp(`^  (?:\\w+, )?${name}\\b`, 'gm')), name).toHaveLength(1);
    }
  });
});
