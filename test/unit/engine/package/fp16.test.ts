import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { convert } from '#shared/engine/checkpoint/convert.ts';
import { openRepository, PARTS } from '#shared/engine/package/repository.ts';
import {
  copyOfTiny,
  editTensors,
  fixture,
  importFixture,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, runAllStages } from '#test/helpers/run-stages.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** The tiny repository with float32 weights, most of which float16 has to round. */
function tinyInFloat32(): string {
  const path = copyOfTiny(folder.path);
  for (const part of PARTS) {
    editTensors(openRepository(path).weightsOf(part), (tensors) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => {
          if (tensor.dtype !== 'F16') return [name, tensor];
          const values = new Float32Array(convert(tensor.bytes.slice(), 'F16', 'F32').buffer);
          const finer = values.map((value, i) => value * (1 + (i % 5) * 2 ** -13));
          return [name, { ...tensor, dtype: 'F32', bytes: new Uint8Array(finer.buffer) }];
        }),
      ),
    );
  }
  return path;
}

const DEMO = fixture('..', '..', 'models', 'demo');
/** What an image from float16 weights must be like the one from float32 weights. */
const IMAGE_BAR_DB = 40;

describe.each([
  {
    name: 'the demo model',
    repository: join(DEMO, 'repo'),
    unet: join(DEMO, 'onestep_unet.bin'),
    records: ['demo-stages/card', 'demo-stages/wide'],
  },
  {
    name: 'the tiny model',
    repository: fixture('tiny', 'repo'),
    unet: undefined,
    records: ['tiny/card', 'tiny/wide'],
  },
  {
    name: 'the tiny model with float32 weights',
    repository: tinyInFloat32(),
    unet: undefined,
    records: ['tiny/card', 'tiny/wide'],
  },
])('a float16 package of $name on the CPU', ({ name, repository, unet, records }) => {
  it('draws what a float32 package draws', async () => {
    const out = (dtype: string) => join(folder.path, `${name} ${dtype}`);
    for (const dtype of ['fp32', 'fp16'] as const) {
      await importFixture(repository, out(dtype), { dtype, unet });
    }
    const stages = records.map(
      (record) => readSafetensors(fixture(`${record}.safetensors`)).tensors,
    );
    const exact = await runAllStages(out('fp32'), stages);
    const halves = await runAllStages(out('fp16'), stages);
    for (const [i, record] of records.entries()) {
      const [drawn, wanted] = [halves[i]?.pixels.data ?? [], exact[i]?.pixels.data ?? []];
      expect(wanted.length, record).toBeGreaterThan(0);
      expect(peakSignalToNoise(drawn, wanted), record).toBeGreaterThan(IMAGE_BAR_DB);
    }
  });
});
