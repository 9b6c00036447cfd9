import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

describe('a package that is replaced while its model is in memory', () => {
  it('is noticed before another of its graphs is used', async () => {
    const out = join(folder.path, 'replaced');
    const make = (recipe: string) =>
      importFixture(fixture('tiny', 'repo'), out, { recipe: recipeNamed(recipe) });
    const { size } = await make('disback');
    const pipeline = await loadPipeline(out, { device: 'cpu', spin: false });
    const draw = async (side: number) => {
      const request = { prompt: '', seed: 0, width: side, height: side, numOutputs: 1 };
      for await (const { pixels } of pipeline.generate(request)) return pixels.length;
      return 0;
    };
    const side = size.defaultWidth;
    expect(await draw(side)).toBe(side * side * 3);
    await make('turbo');
    // Its graphs are in memory; a larger image gives memory back by opening one again.
    expect(await draw(side)).toBe(side * side * 3);
    await expect(draw(2 * side)).rejects.toMatchObject({
      code: 'model-error',
      message: 'The package of test was replaced while it was in use; order again.',
    });
    // The graph that could not be opened again is missing from then on, and the reason stays the same.
    await expect(draw(side)).rejects.toThrow('The package of test was replaced');
    rmSync(out, { recursive: true });
    await expect(draw(side)).rejects.toThrow('The package of test was replaced');
    await make('disback');
    expect(await draw(side)).toBe(side * side * 3);
    await pipeline.close();
    await expect(draw(side)).rejects.toThrow('The model is closed.');
  });
});
