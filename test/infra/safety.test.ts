import { describe, expect, it } from 'vitest';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { resourcesOf, type Synthesised, synthesise } from '#test/helpers/synthesise.ts';

/** The values that a variable has in the environments of a part's functions or models. */
function valuesOf(made: Synthesised, part: 'api' | 'gpu', name: string): readonly unknown[] {
  return Object.values(resourcesOf(made.templates[part])).flatMap(({ Properties }) => {
    const variables =
      Properties?.Environment?.Variables ?? Properties?.PrimaryContainer?.Environment;
    return variables?.[name] === undefined ? [] : [variables[name]];
  });
}

describe('safety on AWS', () => {
  it('is off unless it is set', () => {
    const made = synthesise();
    expect(valuesOf(made, 'api', 'BLOCK_LIST')).toEqual([]);
    expect(valuesOf(made, 'gpu', 'IMAGE_CHECK')).toEqual([]);
  });

  it('gives the block list to the API, and the image check to every container', () => {
    const made = synthesise(EUROPEAN_PROD);
    expect(valuesOf(made, 'api', 'BLOCK_LIST')).toEqual(['["voldemort","/red +flag/"]']);
    const check = 'https://check.example.com/';
    expect(valuesOf(made, 'gpu', 'IMAGE_CHECK')).toEqual([check, check]);
  });
});
