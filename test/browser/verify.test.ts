import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { IMAGE_FORMATS, type ImageFormat } from '#shared/core/inference.ts';
import { PROCESSED } from '#test/helpers/processed-image.ts';
import { openPage } from './open-page.ts';
import { arrive, SLOW, visitServer } from './visit-server.ts';

const visited = visitServer();

async function makeFile(format: ImageFormat): Promise<{ url: string; file: Buffer }> {
  const answer = await visited.server.send('/v1/predictions', {
    json: { input: { prompt: 'a house', size: '384x256', output_format: format } },
    headers: { prefer: 'wait' },
  });
  const { output } = (await answer.json()) as { output: string[] };
  const [url = ''] = output;
  return { url, file: Buffer.from(await (await fetch(url)).arrayBuffer()) };
}

/** Drops a file onto the page's field, as a hand would. */
async function drop(page: Page, file: Buffer, format: ImageFormat): Promise<void> {
  const given = { base64: file.toString('base64'), type: `image/${format}` };
  const transfer = await page.evaluateHandle(({ base64, type }) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const { DataTransfer, File } = globalThis as unknown as {
      DataTransfer: new () => { items: { add(file: unknown): void } };
      File: new (parts: unknown[], name: string, options: object) => unknown;
    };
    const dropped = new DataTransfer();
    dropped.items.add(new File([bytes], 'picture', { type }));
    return dropped;
  }, given);
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer });
}

const TITLES = {
  signed: 'Signed and whole',
  'signed-changed': 'Signed, and changed since',
  receipt: 'Ours by its receipt',
  watermark: 'A watermark only',
  nothing: 'Nothing found',
};

describe.each(IMAGE_FORMATS)('a %s', (format) => {
  it('gets each of the five verdicts where it is dropped', async () => {
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    const { file } = await makeFile(format);
    await page.goto(`${visited.server.url}/verify`);
    for (const [verdict, title] of Object.entries(TITLES)) {
      await drop(page, await PROCESSED[verdict as keyof typeof TITLES](file, format), format);
      const heading = () => page.locator('h2').allTextContents();
      await expect.poll(heading, SLOW).toEqual([title]);
      const facts = await page.locator('dl').textContent();
      if (verdict === 'signed') expect(facts).toMatch(/signed byOnestep.*model.*watermarkours/);
      if (verdict === 'watermark') expect(facts).toContain('watermarkours');
    }
    expect(errors).toEqual([]);
  });

  it('opens in the browser', async () => {
    const { page } = await openPage(visited.browser);
    const { url } = await makeFile(format);
    await page.goto(url);
    const size = page
      .locator('img')
      .evaluate((image: { naturalWidth: number; naturalHeight: number }) => [
        image.naturalWidth,
        image.naturalHeight,
      ]);
    expect(await size).toEqual([384, 256]);
  });
});

it('shows what is known of the last picture, whichever answer comes last', async () => {
  const { page } = await openPage(visited.browser);
  await arrive(page, visited.server);
  const { file } = await makeFile('png');
  await page.goto(`${visited.server.url}/verify`);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = 0;
  await page.route('**/v1/images/verify', async (route) => {
    asked += 1;
    if (asked === 1) await held;
    await route.continue();
  });
  await drop(page, await PROCESSED.nothing(file, 'png'), 'png');
  await expect.poll(() => asked, SLOW).toBe(1);
  await drop(page, file, 'png');
  const heading = () => page.locator('h2').allTextContents();
  await expect.poll(heading, SLOW).toEqual([TITLES.signed]);
  const late = page.waitForResponse('**/v1/images/verify');
  release();
  await (await late).finished();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
  expect(await heading()).toEqual([TITLES.signed]);
});
