import { describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

import { arrive, makePicture, newKey, SLOW, visitServer } from './visit-server.ts';

const visited = visitServer();

describe('the address', () => {
  it('leads back to what was made: by reloading, by going back, and by its link', async () => {
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await makePicture(page, 'a red house');
    const first = page.url();
    expect(first).toContain('?prediction=');
    await makePicture(page, 'a blue house');
    await expect.poll(() => page.textContent('.made .prompt')).toBe('a blue house');
    await page.goBack();
    await expect.poll(() => page.textContent('.made .prompt')).toBe('a red house');
    await page.goForward();
    await expect.poll(() => page.textContent('.made .prompt')).toBe('a blue house');
    await page.reload();
    await expect.poll(() => page.textContent('.made .prompt')).toBe('a blue house');
    const visitor = await openPage(visited.browser);
    await arrive(visitor.page, visited.server);
    await visitor.page.goto(first);
    await visitor.page.waitForSelector('.made .prompt');
    expect(visitor.page.url()).toBe(first);
    expect(errors).toEqual([]);
  });

  it('picks up a run again that was going on', async () => {
    const created = await visited.server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'four trees', num_outputs: 4 } },
    });
    const { urls } = (await created.json()) as { urls: { web: string } };
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(urls.web);
    await expect.poll(() => page.locator('.stage .pictures img').count(), SLOW).toBe(4);
  });

  it('keeps the way through the sign-in form, and leads to no other site', async () => {
    const { page } = await openPage(visited.browser);
    const { key } = await newKey(visited.server);
    for (const [to, arrives] of [
      ['/usage', '/usage'],
      ['//example.org/keys', '/keys'],
      ['https://example.org/', '/'],
    ] as const) {
      await page.goto(`${visited.server.url}/sign-in?${new URLSearchParams({ to })}`);
      await page.fill('#key', key);
      await page.click('button.primary');
      await page.waitForSelector('nav');
      expect(page.url()).toBe(visited.server.url + arrives);
    }
  });
});

describe('a connection that is lost', () => {
  it('is waited for, and the picture comes', async () => {
    const { page, context } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.check('#count input[value="4"]');
    await page.click('button.primary');
    await page.waitForURL(/prediction=/);
    await context.setOffline(true);
    await page.waitForSelector('.waiting >> text=/Connection lost/', { timeout: 20_000 });
    await context.setOffline(false);
    await expect.poll(() => page.locator('.stage .pictures img').count(), SLOW).toBe(4);
  });

  it('is said where an order could not be sent, which then is sent once', async () => {
    const { page, context } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await context.setOffline(true);
    await page.click('button.primary');
    await expect.poll(() => page.textContent('.stage .notice strong')).toBe('Connection lost');
    await context.setOffline(false);
    await page.click('.stage .notice button');
    await page.waitForSelector('.stage .pictures img', SLOW);
  });
});
