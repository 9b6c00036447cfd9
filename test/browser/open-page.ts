import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const PATHS = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A browser of the machine's own, told to talk to nobody by itself. */
export async function startBrowser(...args: readonly string[]): Promise<Browser> {
  const executablePath = PATHS.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined) {
    throw new Error('No Chromium found: install it, or say where it is in CHROMIUM_PATH.');
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...args,
    ],
  });
}

/** Waits until the first picture on the stage is drawn. */
export async function waitForPicture(page: Page, timeout?: number): Promise<void> {
  const picture = page.locator('.stage .pictures img').first();
  await picture.waitFor(timeout === undefined ? {} : { timeout });
  // Not a condition as text: the page's policy forbids evaluating that a second time.
  const width = () => picture.evaluate((image: { naturalWidth: number }) => image.naturalWidth);
  while ((await width()) === 0) await page.waitForTimeout(50);
}

/** A page, and everything about it that must stay empty or harmless. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors and uncaught exceptions; answers of 4xx and 5xx are not among them. */
  readonly errors: string[];
  readonly urls: string[];
}

/** Opens a page, and closes it after the test: one that is left open goes on being drawn. */
export async function openPage(
  browser: Browser,
  options: {
    width?: number;
    height?: number;
    colorScheme?: 'light' | 'dark';
    /** Draws while one types, as a first visit does; other tests do without. */
    live?: boolean;
    /** Stays for all tests of a file, and is closed with the browser. */
    stays?: boolean;
  } = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1200, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? 'light',
  });
  if (options.stays !== true) onTestFinished(() => context.close());
  if (options.live !== true) {
    await context.addInitScript('localStorage.setItem("onestep-live", "off")');
  }
  const page = await context.newPage();
  const errors: string[] = [];
  const urls: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    const refusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !refusal) errors.push(message.text());
  });
  page.on('request', (request) => urls.push(request.url()));
  return { page, context, errors, urls };
}

/** What axe calls serious or critical on the page as it stands. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
