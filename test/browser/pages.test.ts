import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTiny } from '#test/helpers/model-fixture.ts';
import { ROOT } from '#test/helpers/root.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';
import { openPage, seriousFaults, startBrowser } from './open-page.ts';

let server: RunningServer;
let browser: Browser;

/** A second model beside the demo: tiny, at a price of its own. */
function importTiny(data: string): void {
  const repository = copyOfTiny(data);
  const path = join(repository, 'unet', 'config.json');
  writeFileSync(
    path,
    JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), sample_size: 16 }),
  );
  writeFileSync(join(repository, 'README.md'), '---\nlicense: openrail++\n---\n');
  const words = ['import', '--repo', repository, '--name', 'acme/tiny', '--data', data];
  const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
  execFileSync(process.execPath, [LAUNCH, ...words], { env, stdio: 'ignore' });
}

beforeAll(async () => {
  const data = temporaryFolder();
  importTiny(data);
  [server, browser] = await Promise.all([
    startServer({ data, env: { ONESTEP_SAFETY: SAFETY, ONESTEP_PRICES: PRICES } }),
    startBrowser(),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await server?.end('SIGTERM');
  if (server !== undefined) removeFolder(server.data);
});

const run = promisify(execFile);

interface Ordered {
  readonly receipt: { readonly input: Readonly<Record<string, unknown>> };
}

const LAUNCH = join(ROOT, 'functions/cli/launch.mjs');
const PRICES = JSON.stringify({
  version: 'test-1',
  models: { 'acme/tiny': [{ name: 'any', maxPixels: 128 * 128, perImage: 1000 }] },
});
const SAFETY = JSON.stringify({ blockList: ['forbiddenword'] });
/** Machines that run tests may be busy. */
const SLOW = { timeout: 20_000 };
const LONG = { timeout: 150_000, interval: 500 };

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

/** What `onestep top` sees. */
async function top() {
  const words = [LAUNCH, 'top', '--json', '--data', server.data];
  const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
  const { stdout } = await run(process.execPath, words, { env });
  return JSON.parse(stdout) as {
    waiting: number;
    running: number | null;
    today: { images: number };
  };
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

  it('shows code that runs as it stands, and makes what the form says', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.fill('#prompt', `"it's": null, and \\ so on`);
    await page.fill('#seed', '12');
    await page.check('#aspect input[value="16:9"]');
    await page.check('#count input[value="2"]');
    await page.click('text=As code');
    for (const [tab, command] of [
      ['curl', ['bash', '-c']],
      ['Replicate · JS', [process.execPath, '--input-type=module', '--eval']],
      ['OpenAI · JS', [process.execPath, '--input-type=module', '--eval']],
    ] as const) {
      await page.click(`role=tab[name="${tab}"]`);
      const code = (await page.textContent('.code pre')) ?? '';
      const [program, ...words] = command;
      const env = { ...process.env, ONESTEP_KEY: server.key };
      const { stdout } = await run(program, [...words, code], { cwd: ROOT, env });
      expect(stdout.match(/\.png\?/g), tab).toHaveLength(2);
      const made = await server.send('/v1/predictions?limit=1');
      const { results } = (await made.json()) as { results: Ordered[] };
      expect(results[0]?.receipt.input, tab).toMatchObject({
        prompt: `"it's": null, and \\ so on`,
        seed: 12,
        width: 336,
        height: 192,
        num_outputs: 2,
      });
    }
  });

  it('shows the models side by side, each with its price, sizes and licence', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
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
    const { page } = await openPage(browser);
    const { key } = await newKey({ credit: 1_000_000 });
    await signIn(page, key);
    await page.waitForSelector('.gallery .empty');
    await server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'from a script' } },
      headers: { authorization: `Bearer ${key}`, prefer: 'wait=30' },
    });
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await page.waitForSelector('.tiles >> text=from a script');
    await expect.poll(() => page.textContent('#balance')).toContain('$0.996');
  });

  it('fills a gallery that shows, replays and deletes', async () => {
    const { page } = await openPage(browser);
    await signIn(page, (await newKey({ credit: 1_000_000 })).key);
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
    const { page } = await openPage(browser);
    await signIn(page, (await newKey({ credit: 1_000_000 })).key);
    await page.fill('#seed', '5');
    await makePicture(page, 'Ein grüner Baum!');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('.tiles [aria-label^=Save]').first().click(),
    ]);
    expect(download.suggestedFilename()).toBe('ein-gruner-baum-5.png');
  });

  it('finds a picture behind newer predictions without one, and by a tag', async () => {
    const { key } = await newKey({ credit: 10_000_000 });
    const order = (input: object, metadata = {}, wait = 'wait=30') =>
      server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input, metadata },
        headers: { authorization: `Bearer ${key}`, prefer: wait },
      });
    await order({ prompt: 'a red tree' }, { team: 'web' });
    await order({ prompt: 'a blue tree' });
    for (let seed = 0; seed < 60; seed++) {
      const created = await order({ prompt: 'a tree', seed, num_outputs: 4 }, {}, 'respond-async');
      const { urls } = (await created.json()) as { urls: { cancel: string } };
      const headers = { authorization: `Bearer ${key}` };
      if (seed > 0) await server.send(urls.cancel, { method: 'POST', headers });
    }
    const { page } = await openPage(browser);
    await signIn(page, key);
    await page.waitForSelector('.tiles >> text=a red tree');
    await page.click('.tiles >> text=team:web');
    await expect.poll(() => page.locator('.tiles li').count()).toBe(1);
  });
});

describe('while 200 jobs run', () => {
  it('the page and top say how it stands, and both are right at the end', async () => {
    const { key } = await newKey({ credit: 1_000_000 });
    const headers = { authorization: `Bearer ${key}` };
    const { page, errors } = await openPage(browser);
    await signIn(page, key);
    const orders = Array.from({ length: 200 }, (_, seed) =>
      server.send('/v1/predictions', {
        json: { version: 'acme/tiny', input: { prompt: 'a tree', seed, width: 64, height: 64 } },
        headers,
      }),
    );
    const statuses = (await Promise.all(orders)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201]));
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await expect
      .poll(() => page.textContent('.gallery [role=status]'))
      .toMatch(/^\d+ predictions? on the way/);
    const during = await top();
    expect(during.waiting + (during.running ?? 0)).toBeGreaterThan(0);
    await page.check('#model input[value="acme/tiny"]');
    await page.fill('#prompt', 'the last of them');
    await page.click('button.primary');
    await page.waitForSelector('.waiting >> text=/\\d+ before this one/');
    await expect
      .poll(async () => {
        const answer = await server.send('/v1/account', { headers });
        return ((await answer.json()) as { held: number }).held;
      }, LONG)
      .toBe(0);
    await page.waitForSelector('.stage .pictures img', SLOW);
    await expect.poll(() => page.textContent('#balance')).toBe('$0.799 credit');
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await expect.poll(() => page.textContent('.gallery [role=status]'), SLOW).toBe('');
    await page.click('text=Show more');
    await expect.poll(() => page.locator('.tiles li').count(), SLOW).toBeGreaterThan(48);
    const after = await top();
    expect(after).toMatchObject({ waiting: 0, running: 0 });
    expect(after.today.images - during.today.images).toBeGreaterThan(0);
    expect(errors).toEqual([]);
  }, 240_000);
});

describe('the address', () => {
  it('leads back to what was made: by reloading, by going back, and by its link', async () => {
    const { page, errors } = await openPage(browser);
    await page.goto(server.url);
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
    const visitor = await openPage(browser);
    await visitor.page.goto(first);
    await visitor.page.waitForSelector('.made .prompt');
    expect(visitor.page.url()).toBe(first);
    expect(errors).toEqual([]);
  });

  it('picks up a run again that was going on', async () => {
    const created = await server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'four trees', num_outputs: 4 } },
    });
    const { urls } = (await created.json()) as { urls: { web: string } };
    const { page } = await openPage(browser);
    await page.goto(urls.web);
    await expect.poll(() => page.locator('.stage .pictures img').count(), SLOW).toBe(4);
  });

  it('keeps the way through the sign-in form, and leads to no other site', async () => {
    const { page } = await openPage(browser);
    const { key } = await newKey();
    for (const [to, arrives] of [
      ['/usage', '/usage'],
      ['//example.org/keys', '/keys'],
      ['https://example.org/', '/'],
    ] as const) {
      await page.goto(`${server.url}/sign-in?${new URLSearchParams({ to })}`);
      await page.fill('#key', key);
      await page.click('button.primary');
      await page.waitForSelector('nav');
      expect(page.url()).toBe(server.url + arrives);
    }
  });
});

describe('a connection that is lost', () => {
  it('is waited for, and the picture comes', async () => {
    const { page, context } = await openPage(browser);
    await page.goto(server.url);
    await page.check('#count input[value="4"]');
    await page.click('button.primary');
    await page.waitForURL(/prediction=/);
    await context.setOffline(true);
    await page.waitForSelector('.waiting >> text=/No connection/', { timeout: 20_000 });
    await context.setOffline(false);
    await expect.poll(() => page.locator('.stage .pictures img').count(), SLOW).toBe(4);
  });

  it('is said where an order could not be sent, which then is sent once', async () => {
    const { page, context } = await openPage(browser);
    await page.goto(server.url);
    await context.setOffline(true);
    await page.click('button.primary');
    await expect.poll(() => page.textContent('.stage .notice strong')).toBe('No connection');
    await context.setOffline(false);
    await page.click('.stage .notice button');
    await page.waitForSelector('.stage .pictures img', SLOW);
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
    await page.waitForSelector('.waiting >> text=/\\d+ before this one/');
    expect(await page.textContent('.stage [role=status]')).toContain('before this one');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.stage >> text=Nothing was charged');
  });

  it('says why a blocked prompt is not run', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.fill('#prompt', 'a forbiddenword in the sea');
    await page.click('button.primary');
    expect(await page.textContent('.stage [role=alert]')).toContain('Blocked by the rules');
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

  it('has a reference that is readable under a strict policy', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors } = await openPage(browser, { colorScheme, width: 360, height: 740 });
      const answer = await page.goto(`${server.url}/docs`);
      expect(answer?.headers()['content-security-policy']).not.toContain('unsafe');
      expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).toBe('960px');
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await seriousFaults(page)).toEqual([]);
      expect(errors).toEqual([]);
    }
  }, 240_000);

  it('has no serious fault while it waits, shows, asks and refuses', async () => {
    const { page } = await openPage(browser);
    await page.goto(server.url);
    await page.click('button.primary');
    await page.waitForSelector('.waiting');
    expect(await seriousFaults(page)).toEqual([]);
    await page.waitForSelector('.stage .pictures img', SLOW);
    await page.click('text=As code');
    expect(await seriousFaults(page)).toEqual([]);
    await page.locator('.tiles [aria-label^=Delete]').first().click();
    expect(await seriousFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.fill('#prompt', 'a forbiddenword');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.notice');
    expect(await seriousFaults(page)).toEqual([]);
  });

  it('fits a screen of 360 pixels with a delivery to a long address opened', async () => {
    const webhook = `https://hooks.example.org/${'a-long-name/'.repeat(12)}`;
    await server.send('/v1/predictions', {
      json: { version: 'onestep/demo', input: { prompt: 'a tree' }, webhook },
      headers: { prefer: 'wait=30' },
    });
    const { page } = await openPage(browser, { width: 360, height: 740 });
    await page.goto(`${server.url}/webhooks`);
    await page.locator('text=View').first().click();
    await page.waitForSelector('dialog pre');
    expect(await seriousFaults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
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
    const { page } = await openPage(browser);
    await page.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })');
    await page.goto(server.url);
    await page.click('text=As code');
    await page.click('text=Copy code');
    await page.waitForSelector('button >> text=Copied');
    await page.focus('#prompt');
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Control+V');
    expect(await page.inputValue('#prompt')).toContain('/v1/predictions');
  });
});
