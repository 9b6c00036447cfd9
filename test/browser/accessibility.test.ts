import { describe, expect, it } from 'vitest';
import { openPage, seriousFaults } from './open-page.ts';

import { arrive, SLOW, visitServer } from './visit-server.ts';

const visited = visitServer();

const PATHS = ['/', '/keys', '/credits', '/usage', '/webhooks'];

describe('for everybody', () => {
  it.each(PATHS)('%s has no serious accessibility fault, in light and in dark', async (path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(visited.browser, { colorScheme });
      await arrive(page, visited.server);
      await page.goto(visited.server.url + path);
      await page.waitForLoadState('networkidle');
      expect(await seriousFaults(page)).toEqual([]);
      expect(errors).toEqual([]);
    }
  });

  it('has a reference that is readable under a strict policy', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(visited.browser, {
        colorScheme,
        width: 360,
        height: 740,
      });
      const answer = await page.goto(`${visited.server.url}/docs`);
      expect(answer?.headers()['content-security-policy']).not.toContain('unsafe');
      expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('1248px');
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await seriousFaults(page)).toEqual([]);
      expect(errors).toEqual([]);
    }
  }, 240_000);

  it('has no serious fault while it waits, shows, asks and refuses', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.click('button.primary');
    await page.waitForSelector('.waiting');
    expect(await seriousFaults(page)).toEqual([]);
    await page.waitForSelector('.stage .pictures img', SLOW);
    await page.click('text=As code');
    expect(await seriousFaults(page)).toEqual([]);
    await page.locator('.tiles [aria-label^=Delete]').first().click();
    expect(await seriousFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.fill('#prompt', 'a dog and a forbiddenword');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.notice');
    expect(await seriousFaults(page)).toEqual([]);
  });

  it('fits a screen of 360 pixels with a delivery to a long address opened', async () => {
    const webhook = `https://hooks.example.org/${'a-long-name/'.repeat(12)}`;
    await visited.server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'a tree' }, webhook },
      headers: { prefer: 'wait=30' },
    });
    const { page } = await openPage(visited.browser, { width: 360, height: 740 });
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/webhooks`);
    await page.locator('text=View').first().click();
    await page.waitForSelector('dialog pre');
    expect(await seriousFaults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  });

  it.each(PATHS)('%s fits a screen of 360 pixels', async (path) => {
    const { page } = await openPage(visited.browser, { width: 360, height: 740 });
    await arrive(page, visited.server);
    await page.goto(visited.server.url + path);
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });

  it('draws every box to tick at one size, however long the text beside it is', async () => {
    const { page } = await openPage(visited.browser, { width: 360, height: 800 });
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/keys`);
    await page.waitForSelector('input[name="scope"]');
    const boxes = await page.locator('input[name="scope"]').all();
    const widths = await Promise.all(boxes.map(async (box) => (await box.boundingBox())?.width));
    expect(new Set(widths).size).toBe(1);
    expect(widths).toHaveLength(3);
  });

  it('makes a picture with the keyboard alone', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.focus('#prompt');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('in the snow');
    expect(await page.inputValue('#prompt')).toContain('\nin the snow');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.stage .pictures img');
    await page.click('text=As code');
    await page.focus('[role=tab][aria-selected=true]');
    await page.keyboard.press('ArrowRight');
    expect(await page.textContent('[role=tab][aria-selected=true]')).toBe('Replicate · JS');
  });

  it('copies where the page has no clipboard', async () => {
    const { page } = await openPage(visited.browser);
    await page.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })');
    await arrive(page, visited.server);
    await page.click('text=As code');
    await page.click('text=Copy code');
    await page.waitForSelector('button >> text=Copied');
    await page.focus('#prompt');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Control+V');
    expect(await page.inputValue('#prompt')).toContain('/v1/images');
  });
});
