import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadPipeline, type Picture, type Pipeline } from '#shared/engine/pipeline/pipeline.ts';
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
const COUNT = Number(process.env['ONESTEP_INT8_PROMPTS'] ?? 2);
const PROMPTS = PLACES.flatMap((place) => SUBJECTS.map((subject) => `a ${subject} ${place}`));

interface Drawing {
  readonly prompt: string;
  readonly seed: number;
  readonly num?: number;
}

const load = (folder: string, threads: number) =>
  loadPipeline(folder, { device: 'cpu', threads, spin: false });

async function draw(
  pipeline: Pipeline,
  drawings: readonly Drawing[],
  side = pipeline.manifest.size.defaultWidth,
): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (const { prompt, seed, num = 1 } of drawings) {
    const request = { prompt, seed, width: side, height: side, numOutputs: num };
    for await (const picture of pipeline.generate(request)) pictures.push(picture);
  }
  return pictures;
}

/** Of a picture's pixels, which takes a thousandth of the time that their comparison takes. */
function digestOf(picture: Picture | undefined): string {
  if (picture === undefined) throw new Error('no picture');
  return createHash('sha256').update(picture.pixels).digest('hex');
}

describe('the demo model in int8', () => {
  let demo: DemoPackage;
  let int8: Pipeline;
  beforeAll(async () => {
    demo = await importDemo('int8');
    int8 = await load(demo.folder, 2);
  });
  afterAll(async () => {
    await int8.close();
    demo.remove();
  });

  it(`draws ${COUNT} pictures as float32 does`, async () => {
    const drawings = PROMPTS.slice(0, COUNT).map((prompt, seed) => ({ prompt, seed }));
    const reference = await importDemo('fp32');
    const exact = await load(reference.folder, 2);
    const wanted = await draw(exact, drawings);
    await exact.close();
    reference.remove();
    const drawn = await draw(int8, drawings);
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
    const single = await load(demo.folder, 1);
    const [one] = await draw(single, drawings);
    await single.close();
    const [two] = await draw(int8, drawings);
    expect(digestOf(one)).toBe(digestOf(two));
  });

  it('draws four images as four single runs do', async () => {
    const prompt = 'a blue house in the snow';
    // Without a batch in int8, however small the images.
    const side = 128;
    const four = await draw(int8, [{ prompt, seed: 3, num: 4 }], side);
    const seeds = [3, 4, 5, 6].map((seed) => ({ prompt, seed }));
    const single = await draw(int8, seeds, side);
    expect(four).toHaveLength(4);
    expect(four.map(digestOf)).toEqual(single.map(digestOf));
  });
});

describe('the tiny model in int8', () => {
  const out = join(folder.path, 'tiny');
  beforeAll(() => importFixture(fixture('tiny', 'repo'), out, { dtype: 'int8' }));

  it.each(['card', 'wide'])('draws what diffusers drew of %s', async (record) => {
    const { tensors } = readSafetensors(fixture(`tiny/${record}.safetensors`));
    const { pixels } = await runStages(out, tensors);
    const likeness = peakSignalToNoise(pixels.data, tensors['pixels']?.values ?? []);
    expect(likeness).toBeGreaterThan(TINY_BAR_DB);
  });
});
