import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { createTaskCheck, loadImageCheck } from '#functions/gpu/image-check.ts';
import { createImageCheckEndpoint } from '#shared/adapters/http/image-check-endpoint.ts';
import type { ImageCheck, ImageToCheck } from '#shared/service/ports/image-check.ts';
import { madeImage } from '#test/helpers/gpu-task.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';
import { fromRoot } from '#test/helpers/root.ts';

const EXAMPLE = fromRoot('docs/examples/image-check.mjs');
const folder = temporaryFolder();
afterAll(() => folder.remove());

async function image(pixels: Buffer): Promise<ImageToCheck> {
  const bytes = await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toBuffer();
  const facts = { job: 'j', index: 0, prompt: 'p', width: 64, height: 64, format: 'png' } as const;
  return { ...facts, bytes };
}
const blank = Buffer.alloc(64 * 64 * 3, 200);
const busy = Buffer.from(blank.map((_, i) => (i * i * 31) % 256));

describe('loadImageCheck', () => {
  it('asks the module that the documentation shows', async () => {
    const check = await loadImageCheck(EXAMPLE);
    expect(await check(await image(busy))).toEqual({ allowed: true });
    expect(await check(await image(blank))).toEqual({
      allowed: false,
      reason: 'the picture shows nothing',
    });
  });

  it('says what is wrong with a module', async () => {
    await expect(loadImageCheck(join(folder.path, 'none.mjs'))).rejects.toThrow(/can't be loaded/);
    const other = join(folder.path, 'other.mjs');
    writeFileSync(other, 'export const checkPicture = 1;\n');
    await expect(loadImageCheck(other)).rejects.toThrow(/exports no checkImage/);
  });

  it('takes no answer that is no verdict', async () => {
    const odd = join(folder.path, 'odd.mjs');
    writeFileSync(odd, 'export const checkImage = () => "fine";\n');
    const check = await loadImageCheck(odd);
    await expect(check(await image(busy))).rejects.toThrow();
  });
});

describe('createImageCheckEndpoint', () => {
  it('sends the facts and the bytes, and reads the verdict', async () => {
    const seen: unknown[] = [];
    const check = createImageCheckEndpoint('http://check.test/', async (_, init) => {
      seen.push(JSON.parse(String(init?.body)));
      return Response.json({ allowed: false });
    });
    const asked = await image(busy);
    expect(await check(asked)).toEqual({ allowed: false, reason: 'The image check refused it.' });
    const { bytes, ...facts } = asked;
    expect(seen).toEqual([{ ...facts, image: Buffer.from(bytes).toString('base64') }]);
  });

  it('asks again when the classifier was away for a moment', async () => {
    const answers = [
      () => Promise.reject(new TypeError('fetch failed')),
      async () => new Response('', { status: 503 }),
      async () => Response.json({ allowed: true }),
    ];
    const send = async () => answers.shift()?.() ?? Response.error();
    const check = createImageCheckEndpoint('http://check.test/', send, 1);
    expect(await check(await image(busy))).toEqual({ allowed: true });
  });

  it('fails when the classifier goes on failing', async () => {
    let asked = 0;
    const send = async () => {
      asked += 1;
      return new Response('', { status: 500 });
    };
    const check = createImageCheckEndpoint('http://check.test/', send, 1);
    await expect(check(await image(busy))).rejects.toThrow(/check.test answered with 500/);
    expect(asked).toBe(4);
  });
});

describe('createTaskCheck', () => {
  const task = { job: 'j', prompt: 'p' };
  const odd: ImageCheck = async ({ index }) =>
    index % 2 === 0 ? { allowed: true } : { allowed: false, reason: `no ${index}` };

  const [first, second, third] = [madeImage(0), madeImage(1), madeImage(2)];

  it('parts the images that are asked for', async () => {
    const check = createTaskCheck(odd, task);
    for (const image of [first, second, third]) check.add(image);
    expect(await check.result([first, second, third])).toEqual({
      allowed: [first, third],
      blocked: [{ index: 1, reason: 'no 1' }],
    });
    expect(await check.result([first])).toEqual({ allowed: [first], blocked: [] });
  });

  it('hands out nothing that could not be looked at', async () => {
    const check = createTaskCheck(() => Promise.reject(new Error('away')), task);
    check.add(first);
    await expect(check.result([first])).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
  });

  it('allows everything where there is no check', async () => {
    const check = createTaskCheck(undefined, task);
    check.add(first);
    expect(await check.result([first])).toEqual({ allowed: [first], blocked: [] });
  });
});
