import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fixture, importFixture, temporaryFolder } from '../../helpers/model-fixture.ts';
import { readSafetensors } from '../../helpers/read-safetensors.ts';
import { peakSignalToNoise, runStages } from '../../helpers/run-stages.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

it('draws from float16 weights what it draws from float32 ones, to 40 dB', async () => {
  const { tensors } = readSafetensors(fixture('demo-stages', 'card.safetensors'));
  const draw = async (dtype: 'fp32' | 'fp16') => {
    const out = join(folder.path, dtype);
    const demo = fixture('..', '..', 'models', 'demo');
    await importFixture(join(demo, 'repo'), out, { dtype, unet: join(demo, 'onestep_unet.bin') });
    return (await runStages(out, tensors)).pixels.data;
  };
  expect(peakSignalToNoise(await draw('fp16'), await draw('fp32'))).toBeGreaterThan(40);
});
