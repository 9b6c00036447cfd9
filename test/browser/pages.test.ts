import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, removeFolder, startServer } from '../helpers/server-process.ts';
import { openPage, seriousFaults, startBrowser } from './open-page.ts';

let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.end('SIGTERM');
  if (server !== undefined) removeFolder(server.data);
});

const PATHS = ['/', '/keys', '/credits', '/usage', '/webhooks'];

/** Types a prompt, orders, and waits until a picture is drawn. */
async function makePicture(page: Page, prompt: string): Promise<void> {
  await page.fill('#prompt', prompt);
  await page.click('button.primary');
  await page.waitForSelector('.stage .pictures img');
  await page.waitForFunction("document.querySelector('.stage img').naturalWidth > 0");
}

/** A key of an account of its own, made by the operator. */
async function newKey(options: { credit?: number; ratePerMinute?: number } = {}) {
  const name = `visitor ${Math.random()}`;
  const account = await server.send('/v1/accounts', { json: { name }, admin: true });
  const { id } = (await account.json()) as { id: string };
  if (options.credit !== undefined) {
    const json = { account: id, amount: options.credit, reference: name };
    await server.send('/v1/credits', { json, admin: true });
  }
  const json = { account: id, label: name, rate_per_minute: options.ratePerMinute ?? 600 };
  const issued = await server.send('/v1/keys', { json, admin: true });
  return { account: id, ...((await issued.json()) as { id: string; key: string }) };
}

async function signIn(page: Page, key: string): Promise<void> {
  await page.goto(`${server.url}/sign-in`);
  await page.fill('#key', key);
  await page.click('button.primary');
  await page.waitForSelector('#prompt');
}

describe('the playground', () => {
  it('makes a picture on the first visit, with its times, cost, seed and receipt', async () => {
    const { page, errors, urls } = await openPage(browser);
    await page.goto(server.url);
    await makePicture(page, 'a red lighthouse by the sea at sunset');
    expect(await page.textContent('.facts')).toMatch(/UNet.*decode.*cost\$0\.0.*seed\d+/s);
    await page.click('text=Receipt');
    expect(await page.textContent('.facts pre')).toContain('"digest"');
    expect(errors).toEqual([]);
    expect(urls.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual(
      [],
    );
    expect(urls.filter((url) => url.includes('os_live_'))).toEqual([]);
  });

  it('keeps the key where no script can read it, and sends a strict policy', async () => {
    const { page, context } = await openPage(browser);
    const answer = await page.goto(server.url);
    const cookies = await context.cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: 'Strict' },
    ]);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(await page.content()).not.toContain('os_live_');
  });

  it('makes the same picture from the same seed, and others beside it', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.fill('#seed', '7');
    await page.selectOption('#count', '3');
    await page.selectOption('#format', 'webp');
    await makePicture(page, 'a blue balloon over the mountains, day');
    const images = page.locator('.stage img');
    await expect.poll(() => images.count(), { timeout: 20_000 }).toBe(3);
    const sources = await Promise.all([0, 1, 2].map((i) => images.nth(i).getAttribute('src')));
    expect(new Set(sources).size).toBe(3);
    for (const source of sources) expect(source).toContain('.webp');
  });

  it('shows the call as code for the very same order', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.fill('#prompt', "a cat's house");
    await page.fill('#seed', '11');
    await page.click('text=As code');
    expect(await page.textContent('.code pre')).toContain("a cat'\\''s house");
    await page.click('text=OpenAI · Python');
    const code = await page.textContent('.code pre');
    expect(code).toContain('"seed": 11');
    expect(code).toContain(`${server.url}/v1`);
  });

  it('fills a gallery that shows, replays and deletes', async () => {
    const { page } = await openPage(browser);
    await signIn(page, (await newKey({ credit: 1_000_000 })).key);
    await makePicture(page, 'a green cactus in the desert at dawn');
    await page.waitForSelector('.tiles li');
    await page.click('.tiles >> text=Replay');
    await expect.poll(() => page.locator('.tiles li').count(), { timeout: 20_000 }).toBe(2);
    await page.locator('.tiles >> text=Delete').first().click();
    await expect.poll(() => page.locator('.tiles li').count(), { timeout: 20_000 }).toBe(1);
  });
});

describe('what goes wrong is said', () => {
  it('names a key that does not work, and takes one that does', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${server.url}/sign-in`);
    await page.fill('#key', 'os_live_made_up');
    await page.click('button.primary');
    expect(await page.textContent('[role=alert]')).toContain('does not work');
    await signIn(page, (await newKey()).key);
  });

  it('shows the form to a visitor that keeps no cookies', async () => {
    expect(new URL((await fetch(server.url)).url).pathname).toBe('/sign-in');
  });

  it('signs nobody in who comes by another name or through a proxy', async () => {
    for (const headers of [{ 'x-forwarded-for': '203.0.113.7' }, { via: '1.1 proxy' }]) {
      const answer = await fetch(server.url, { headers, redirect: 'manual' });
      expect(answer.headers.get('location')).toBe('/sign-in');
    }
  });

  it('says that there is no credit', async () => {
    const { page } = await openPage(browser);
    await signIn(page, (await newKey()).key);
    await page.click('button.primary');
    expect(await page.textContent('[role=alert] strong')).toBe('Not enough credit');
  });

  it('counts down to when a limited key may try again', async () => {
    const { page } = await openPage(browser);
    await signIn(page, (await newKey({ credit: 1_000_000, ratePerMinute: 1 })).key);
    await page.click('button.primary');
    await page.waitForSelector('text=/Try again in \\d+ s/');
    expect(await page.textContent('.stage [role=alert] strong')).toBe('Too many requests');
  });

  it('says so when the key of the session was revoked', async () => {
    const { account, id, key } = await newKey({ credit: 1_000_000 });
    const { page } = await openPage(browser);
    await signIn(page, key);
    await server.send(`/v1/keys/${id}/revoke?account=${account}`, { json: {}, admin: true });
    await page.click('button.primary');
    expect(await page.textContent('.stage [role=alert] strong')).toBe('This key does not work');
  });

  it('shows the place in the queue, and cancels', async () => {
    const orders = Array.from({ length: 12 }, (_, seed) =>
      server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input: { prompt: 'a tree', seed, num_outputs: 4 } },
      }),
    );
    await Promise.all(orders);
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.click('button.primary');
    await page.waitForSelector('text=/\\d+ before this one/');
    await page.click('text=Cancel');
    await page.waitForSelector('text=Nothing was charged');
  });
});

describe('for everybody', () => {
  it.each(PATHS)('%s has no serious accessibility fault, in light and in dark', async (path) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors, context } = await openPage(browser, { colorScheme });
      await page.goto(server.url);
      await page.goto(server.url + path);
      await page.waitForLoadState('networkidle');
      expect(await seriousFaults(page)).toEqual([]);
      expect(errors).toEqual([]);
      await context.close();
    }
  });

  it.each(PATHS)('%s fits a screen of 360 pixels', async (path) => {
    const { page } = await openPage(browser, { width: 360, height: 740 });
    await page.goto(server.url);
    await page.goto(server.url + path);
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });

  it('makes a picture with the keyboard alone', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.focus('#prompt');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.stage .pictures img');
  });
});
