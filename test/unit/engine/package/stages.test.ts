import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { relativeError, runAllStages, shareWithinOne } from '#test/helpers/run-stages.ts';

const STAGE_BAR = 1e-4;
const PIXEL_BAR = 0.999;

const folder = temporaryFolder();
afterAll(folder.remove);

describe.each([
  { model: 'tiny', repository: fixture('tiny', 'repo'), records: ['card', 'wide'] },
  { model: 'odd', repository: fixture('odd', 'repo'), records: ['odd'] },
])('the graphs of $model', ({ model, repository, records }) => {
  it('agree with diffusers at every stage', async () => {
    const out = join(folder.path, model);
    await importFixture(repository, out);
    const stages = records.map(
      (record) => readSafetensors(fixture(model, `${record}.safetensors`)).tensors,
    );
    const outputs = await runAllStages(out, stages);
    expect(outputs).toHaveLength(records.length);
    for (const [i, actual] of outputs.entries()) {
      const tensors = stages[i] ?? {};
      const expected = (name: string) => tensors[name]?.values ?? [];
      expect(relativeError(actual.context, expected('context'))).toBeLessThan(STAGE_BAR);
      expect(relativeError(actual.pooled, expected('pooled'))).toBeLessThan(STAGE_BAR);
      expect(relativeError(actual.vaeIn, expected('vae_in'))).toBeLessThan(STAGE_BAR);
      expect(actual.pixels.dims).toEqual(tensors['pixels']?.shape);
      expect(shareWithinOne(actual.pixels.data, expected('pixels'))).toBeGreaterThan(PIXEL_BAR);
    }
  });
});
