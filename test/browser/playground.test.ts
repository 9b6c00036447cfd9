import { describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

import { arrive, makePicture, newKey, signIn, visitServer } from './visit-server.ts';

const visited = visitServer();

describe('the playground', () => {
  it('makes a picture on the first visit, with its times, cost, seed and receipt', async () => {
    const { page, errors, urls } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await makePicture(page, 'a red lighthouse by the sea at sunset');
    expect(await page.textContent('.facts')).toMatch(/UNet.*decode.*cost\$0\.0.*seed\d+/s);
    await page.click('text=Receipt');
    expect(await page.textContent('.facts pre')).toContain('"digest"');
    expect(errors).toEqual([]);
    expect(
      urls.filter((url) => !url.startsWith(visited.server.url) && !url.startsWith('data:')),
    ).toEqual([]);
    expect(urls.filter((url) => url.includes('os_live_'))).toEqual([]);
  });

  it('keeps the key where no script can read it, and sends a strict policy', async () => {
    const { page, context } = await openPage(visited.browser);
    const answer = await arrive(page, visited.server);
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
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.fill('#seed', '7');
    await page.check('#count input[value="3"]');
    await page.check('#format input[value="webp"]');
    await makePicture(page, 'a blue balloon over the mountains, day');
    const images = page.locator('.stage img');
    await expect.poll(() => images.count(), { timeout: 20_000 }).toBe(3);
    expect(await images.nth(1).getAttribute('alt')).toContain('(2 of 3)');
    const sources = await Promise.all([0, 1, 2].map((i) => images.nth(i).getAttribute('src')));
    expect(new Set(sources).size).toBe(3);
    for (const source of sources) expect(source).toContain('.webp');
  });

  it('shows the call as code for the very same order', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.fill('#prompt', "a cat's house");
    await page.fill('#seed', '11');
    await page.click('text=As code');
    expect(await page.textContent('.code pre')).toContain("a cat'\\''s house");
    await page.click('text=OpenAI · Python');
    const code = await page.textContent('.code pre');
    expect(code).toContain('"seed": 11');
    expect(code).toContain(`${visited.server.url}/v1`);
  });

  it('names the words that the model doesn’t know, and asks before it draws none of them', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.fill('#prompt', 'a samurai and a dog');
    await expect.poll(() => page.textContent('#prompt-words')).toMatch(/“samurai”; it draws/);
    await page.fill('#prompt', 'a dog');
    await expect.poll(() => page.textContent('#prompt-words')).toBe('');
    await page.fill('#prompt', 'a samurai');
    await page.click('button.primary');
    await expect.poll(() => page.textContent('#prompt-words')).toMatch(/Press again/);
    expect(await page.locator('.stage img').count()).toBe(0);
    await makePicture(page, 'a samurai');
    expect(await page.textContent('.stage .warning')).toMatch(/unknown-words: “samurai” is a word/);
  });

  it('shows the models side by side, each with its price, sizes and licence', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.check('#aspect input[value="21:9"]');
    expect(await page.textContent('button.primary')).toContain('$0.004');
    await page.check('#model input[value="acme/tiny"]');
    expect(await page.textContent('button.primary')).toContain('$0.001');
    expect(await page.textContent('#aspect')).toContain('192 × 80');
    expect(await page.getAttribute('.about a', 'href')).toContain('stable-diffusion-xl-base-1.0');
    await makePicture(page, 'a tree');
    expect(await page.textContent('.facts')).toContain('acme/tiny');
  });

  it('shows what was made elsewhere, and what it cost', async () => {
    const { page } = await openPage(visited.browser);
    const { key } = await newKey(visited.server, { credit: 1_000_000 });
    await signIn(page, visited.server, key);
    await page.waitForSelector('.gallery .empty');
    await visited.server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'from a script' } },
      headers: { authorization: `Bearer ${key}`, prefer: 'wait=30' },
    });
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await page.waitForSelector('.tiles >> text=from a script');
    await expect.poll(() => page.textContent('#balance')).toContain('$0.996');
  });

  it('fills a gallery that shows, replays and deletes', async () => {
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, (await newKey(visited.server, { credit: 1_000_000 })).key);
    await makePicture(page, 'a green cactus in the desert at dawn');
    await page.waitForSelector('.tiles li');
    await page.click('.tiles >> text=Replay');
    await expect.poll(() => page.locator('.tiles li').count(), { timeout: 20_000 }).toBe(2);
    await page.locator('.tiles [aria-label^=Delete]').first().click();
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.locator('.tiles [aria-label^=Delete]').first().click();
    expect(await page.locator('.tiles li').count()).toBe(2);
    await page.click('dialog >> text="Delete"');
    await expect.poll(() => page.locator('.tiles li').count(), { timeout: 20_000 }).toBe(1);
    expect(await page.locator('.stage .pictures img').count()).toBe(0);
  });

  it('names a download after its prompt and seed', async () => {
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, (await newKey(visited.server, { credit: 1_000_000 })).key);
    await page.fill('#seed', '5');
    await makePicture(page, 'Ein Grüner tree!');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('.tiles [aria-label^=Save]').first().click(),
    ]);
    expect(download.suggestedFilename()).toBe('ein-gruner-tree-5.png');
  });

  it('finds a picture behind newer predictions without one, and by a tag', async () => {
    const { key } = await newKey(visited.server, { credit: 10_000_000 });
    const order = (input: object, metadata = {}, wait = 'wait=30') =>
      visited.server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input, metadata },
        headers: { authorization: `Bearer ${key}`, prefer: wait },
      });
    await order({ prompt: 'a red tree' }, { team: 'web' });
    await order({ prompt: 'a blue tree' });
    for (let seed = 0; seed < 60; seed++) {
      const created = await order({ prompt: 'a tree', seed, num_outputs: 4 }, {}, 'respond-async');
      const { urls } = (await created.json()) as { urls: { cancel: string } };
      const headers = { authorization: `Bearer ${key}` };
      if (seed > 0) await visited.server.send(urls.cancel, { method: 'POST', headers });
    }
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, key);
    await page.waitForSelector('.tiles >> text=a red tree');
    await page.click('.tiles >> text=team:web');
    await expect.poll(() => page.locator('.tiles li').count()).toBe(1);
  });
});
