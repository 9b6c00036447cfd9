import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadPipeline, type Picture } from '#shared/engine/pipeline/pipeline.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';
import { readSafetensors } from '#test/helpers/read-safetensors.ts';
import { peakSignalToNoise, runStages } from '#test/helpers/run-stages.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const folder = temporaryFolder();
afterAll(folder.remove);

/** A picture of int8 beside one of float32. */
const DEMO_BAR_DB = 50;
const TINY_BAR_DB = 52;

const SUBJECTS = ['red boat', 'yellow star', 'blue house', 'green tree', 'white bird'] as const;
const PLACES = ['at sea', 'on a hill', 'in the snow', 'at night'] as const;
/** How many of them are drawn; `ONESTEP_INT8_PROMPTS` asks for more. */
const COUNT = Number(process.env['ONESTEP_INT8_PROMPTS'] ?? 4);
const PROMPTS = PLACES.flatMap((place) => SUBJECTS.map((subject) => `a ${subject} ${place}`));

interface Drawing {
  readonly prompt: string;
  readonly seed: number;
  readonly num?: number;
}

async function draw(
  packageFolder: string,
  drawings: readonly Drawing[],
  threads = 2,
): Promise<Picture[]> {
  const pipeline = await loadPipeline(packageFolder, { device: 'cpu', threads });
  const { defaultWidth: width, defaultHeight: height } = pipeline.manifest.size;
  const pictures: Picture[] = [];
  for (const { prompt, seed, num = 1 } of drawings) {
    const request = { prompt, seed, width, height, numOutputs: num };
    for await (const picture of pipeline.generate(request)) pictures.push(picture);
  }
  await pipeline.close();
  return pictures;
}

describe('the demo model in int8', () => {
  let exact: DemoPackage;
  let int8: DemoPackage;
  beforeAll(async () => {
    exact = await importDemo('fp32');
    int8 = await importDemo('int8');
  });
  afterAll(() => {
    exact.remove();
    int8.remove();
  });

  it(`draws ${COUNT} pictures as float32 does`, async () => {
    const drawings = PROMPTS.slice(0, COUNT).map((prompt, seed) => ({ prompt, seed }));
    const wanted = await draw(exact.folder, drawings);
    const drawn = await draw(int8.folder, drawings);
    const figures = drawn.map(({ pixels }, i) =>
      peakSignalToNoise(pixels, wanted[i]?.pixels ?? []),
    );
    expect(figures).toHaveLength(COUNT);
    expect(Math.min(...figures), figures.map((db) => db.toFixed(1)).join(' ')).toBeGreaterThan(
      DEMO_BAR_DB,
    );
  });

  it('draws the same bytes with one thread and with two', async () => {
    const drawings = [{ prompt: 'a red boat at sea', seed: 7 }];
    const [one] = await draw(int8.folder, drawings, 1);
    const [two] = await draw(int8.folder, drawings, 2);
    expect(one?.pixels).toEqual(two?.pixels);
  });

  it('draws four images as four single runs do', async () => {
    const prompt = 'a blue house in the snow';
    const four = await draw(int8.folder, [{ prompt, seed: 3, num: 4 }]);
    const single = await draw(
      int8.folder,
      [3, 4, 5, 6].map((seed) => ({ prompt, seed })),
    );
    expect(four.map(({ pixels }) => pixels)).toEqual(single.map(({ pixels }) => pixels));
  });
});

describe('the tiny model in int8', () => {
  it.each(['card', 'wide'])('draws what diffusers drew of %s', async (record) => {
    const out = join(folder.path, record);
    await importFixture(fixture('tiny', 'repo'), out, { dtype: 'int8' });
    const { tensors } = readSafetensors(fixture(`tiny/${record}.safetensors`));
    const { pixels } = await runStages(out, tensors);
    const likeness = peakSignalToNoise(pixels.data, tensors['pixels']?.values ?? []);
    expect(likeness).toBeGreaterThan(TINY_BAR_DB);
  });
});
