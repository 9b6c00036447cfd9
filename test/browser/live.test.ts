import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPage, seriousFaults, waitForPicture } from './open-page.ts';
import { arrive, newKey, SLOW, signIn, visitServer } from './visit-server.ts';

const visited = visitServer();

/** From each change of the form to its picture, in milliseconds. */
const timesOf = (page: Page) =>
  page.evaluate(
    'performance.getEntriesByName("live-picture").map((entry) => entry.duration)',
  ) as Promise<number[]>;
const alt = (page: Page) => page.getAttribute('.stage .pictures img', 'alt');
/** What the stage shows is what the form says, and stays so. */
async function expectAgreement(page: Page): Promise<void> {
  // After a reload the form gets its words back a moment later.
  const differs = async () => (await alt(page)) !== (await page.inputValue('#prompt'));
  await expect.poll(differs, SLOW).toBe(false);
  await page.waitForTimeout(1000);
  expect(await alt(page)).toBe(await page.inputValue('#prompt'));
}
const share = (times: readonly number[], part: number) =>
  Math.round([...times].sort((a, b) => a - b)[Math.ceil(times.length * part) - 1] ?? 0);

describe('drawing while one types', () => {
  it('opens with a live picture, under a strict policy, without an error', async () => {
    const { page, errors, urls } = await openPage(visited.browser, { live: true });
    const begun = Date.now();
    const answer = await arrive(page, visited.server);
    await waitForPicture(page);
    process.stdout.write(`first visit to live picture: ${Date.now() - begun} ms\n`);
    expect(await alt(page)).toBe(await page.inputValue('#prompt'));
    expect(answer?.headers()['content-security-policy']).not.toContain('unsafe');
    expect(errors).toEqual([]);
    expect(
      urls.filter((url) => !url.startsWith(visited.server.url) && !url.startsWith('data:')),
    ).toEqual([]);
  });

  it('redraws while twenty characters are typed, and ends with the last of them', async () => {
    const { page, errors } = await openPage(visited.browser, { live: true });
    await arrive(page, visited.server);
    await waitForPicture(page);
    await page.fill('#prompt', 'a cat');
    await expectAgreement(page);
    const before = (await timesOf(page)).length;
    await page.locator('#prompt').pressSequentially(' in the snow at nigh', { delay: 110 });
    await expectAgreement(page);
    const times = (await timesOf(page)).slice(before);
    process.stdout.write(
      `20 characters: ${times.length} pictures, p50 ${share(times, 0.5)} ms, p95 ${share(times, 0.95)} ms\n`,
    );
    expect(times.length).toBeGreaterThan(1);
    expect(errors).toEqual([]);
  });

  it('has at most one order on its way, whatever is typed', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    let open = 0;
    let most = 0;
    const isOrder = (request: { method(): string; url(): string }) =>
      request.method() === 'POST' && request.url().endsWith('/v1/predictions');
    page.on('request', (request) => {
      if (isOrder(request)) most = Math.max(most, ++open);
    });
    page.on('requestfinished', (request) => {
      if (isOrder(request)) open--;
    });
    await arrive(page, visited.server);
    await page.locator('#prompt').fill('a blue whale');
    for (const text of [' in', ' the', ' ocean', ' at', ' sunset']) {
      await page.locator('#prompt').pressSequentially(text, { delay: 20 });
    }
    await expectAgreement(page);
    expect(most).toBe(1);
  });

  it('follows samples and the picker, which follow the prompt', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    await arrive(page, visited.server);
    await page.click('.samples [aria-label="a rocket in space"]');
    await expectAgreement(page);
    expect(await page.inputValue('#pick-thing')).toBe('rocket');
    await page.selectOption('#pick-colour', 'orange');
    await page.selectOption('#pick-place', 'city');
    await page.selectOption('#pick-hour', 'night');
    expect(await page.inputValue('#prompt')).toBe('an orange rocket in the city at night');
    await expectAgreement(page);
    expect(await seriousFaults(page)).toEqual([]);
  });

  it('keeps a picture on request; the live ones are in no gallery', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    await signIn(page, visited.server, (await newKey(visited.server, { credit: 1_000_000 })).key);
    await waitForPicture(page);
    await page.fill('#prompt', 'a green frog');
    await expectAgreement(page);
    expect(await page.locator('.tiles li').count()).toBe(0);
    await page.click('text=Keep this picture');
    await expect.poll(() => page.locator('.tiles li').count(), SLOW).toBe(1);
    await expectAgreement(page);
    await page.reload();
    await expectAgreement(page);
    expect(await page.inputValue('#prompt')).toBe('a green frog');
    expect(await page.inputValue('#seed')).toBe('4');
  });

  it('form and picture agree after a reload, without paying again', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    await signIn(page, visited.server, (await newKey(visited.server, { credit: 1_000_000 })).key);
    await page.fill('#prompt', 'a pink flamingo at sea');
    await expectAgreement(page);
    const balance = await page.textContent('#balance');
    await page.reload();
    expect(await page.inputValue('#prompt')).toBe('a pink flamingo at sea');
    await expectAgreement(page);
    await expect.poll(() => page.textContent('#balance')).toBe(balance);
  });

  it('draws nothing for words that the model doesn’t know, nor when it is switched off', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    await arrive(page, visited.server);
    await waitForPicture(page);
    await expectAgreement(page);
    const before = (await timesOf(page)).length;
    await page.fill('#prompt', 'a samurai');
    await page.waitForTimeout(1500);
    expect(await timesOf(page)).toHaveLength(before);
    await page.uncheck('#live');
    await page.fill('#prompt', 'a dog');
    await page.waitForTimeout(1500);
    expect(await timesOf(page)).toHaveLength(before);
    await page.reload();
    expect(await page.isChecked('#live')).toBe(false);
  });

  it('waits as long as the key’s rate asks, and then draws the latest', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    const options = { credit: 1_000_000, ratePerMinute: 20 };
    await signIn(page, visited.server, (await newKey(visited.server, options)).key);
    await waitForPicture(page);
    for (let i = 0; i < 25; i++) {
      await page.fill('#prompt', `a tree and ${i} dogs`);
      await page.waitForTimeout(150);
    }
    await expectAgreement(page);
  });

  it('stops with a way on when the credit ends', async () => {
    const { page } = await openPage(visited.browser, { live: true });
    await signIn(page, visited.server, (await newKey(visited.server, { credit: 8_000 })).key);
    await waitForPicture(page);
    await page.fill('#prompt', 'a yellow duck');
    await expectAgreement(page);
    await page.fill('#prompt', 'a yellow duck in the city');
    await page.waitForSelector('.notice >> text=Not enough credit', SLOW);
    expect(await page.getAttribute('.notice a', 'href')).toBe('./credits');
  });

  it('on a telephone shows the picture under its prompt, before all else, light or dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(visited.browser, {
        live: true,
        width: 360,
        height: 740,
        colorScheme,
      });
      await arrive(page, visited.server);
      await waitForPicture(page);
      const top = async (selector: string) =>
        (await page.locator(selector).first().boundingBox())?.y ?? 0;
      expect(await top('#prompt')).toBeLessThan(await top('.stage'));
      expect(await top('.stage')).toBeLessThan(await top('.samples'));
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await seriousFaults(page)).toEqual([]);
      expect(errors).toEqual([]);
    }
  });
});
