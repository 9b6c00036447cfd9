/**
 * Records the playground for the README: a still, and a moving picture of live typing at the speed that it
 * really had. `npx tsx .ci/pictures/page.ts`, on a machine that does nothing else.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import sharp from 'sharp';
import { openPage, startBrowser, waitForPicture } from '#test/browser/open-page.ts';
import { arrive } from '#test/browser/visit-server.ts';
import { ROOT } from '#test/helpers/root.ts';
import { startServer } from '#test/helpers/server-process.ts';

const SIZE = { width: 1000, height: 640 };
const KEY_MS = 110;
const PAUSE_MS = 900;
/** The last frame stays for a while before it all begins again. */
const LAST_MS = 2000;
/** Frames closer together than this are one. */
const LEAST_MS = 60;

interface Frame {
  readonly bytes: Buffer;
  readonly atMs: number;
}

const server = await startServer();
const browser = await startBrowser();
// What a start costs is not the page's to show.
while (!(await server.send('/readyz')).ok) await new Promise((resolve) => setTimeout(resolve, 200));
try {
  const still = await openPage(browser, { width: 1280, height: 900, live: true });
  await arrive(still.page, server);
  await waitForPicture(still.page);
  await still.page.click('.samples [aria-label="a red fox in the snow at dawn"]');
  await drawn(still.page);
  writeFileSync(join(ROOT, 'docs/playground.png'), await small(await still.page.screenshot()));
  await still.context.close();

  const { page } = await openPage(browser, { ...SIZE, live: true });
  await arrive(page, server);
  await waitForPicture(page);
  await page.fill('#prompt', '');
  const frames = await recorded(page, async () => {
    for (const words of ['a red fox', ' in the snow', ' at dawn']) {
      await page.locator('#prompt').pressSequentially(words, { delay: KEY_MS });
      await drawn(page);
    }
    for (const [field, word] of [
      ['#pick-thing', 'penguin'],
      ['#pick-colour', ''],
      ['#pick-place', 'beach'],
      ['#pick-hour', 'sunset'],
    ] as const) {
      await page.selectOption(field, word);
      await drawn(page);
    }
  });
  const moving = await animated(frames);
  writeFileSync(join(ROOT, 'docs/live.webp'), moving);
  process.stdout.write(`${frames.length} frames, ${moving.length} bytes\n`);
} finally {
  await browser.close();
  await server.end('SIGTERM');
  rmSync(server.data, { recursive: true, force: true });
}

/** Waits until the picture is what the prompt says, and long enough to be looked at. */
async function drawn(page: Page): Promise<void> {
  const picture = page.locator('.stage .pictures img').first();
  while ((await picture.getAttribute('alt')) !== (await page.inputValue('#prompt'))) {
    await page.waitForTimeout(50);
  }
  await page.waitForTimeout(PAUSE_MS);
}

/** What the page shows during an act, each change with its time. */
async function recorded(page: Page, act: () => Promise<void>): Promise<readonly Frame[]> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const frames: Frame[] = [];
  session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    frames.push({ bytes: Buffer.from(data, 'base64'), atMs: (metadata.timestamp ?? 0) * 1000 });
    void session.send('Page.screencastFrameAck', { sessionId });
  });
  await session.send('Page.startScreencast', { format: 'png' });
  await act();
  await session.send('Page.stopScreencast');
  return frames.filter(({ atMs }, at) => (frames[at + 1]?.atMs ?? Infinity) - atMs >= LEAST_MS);
}

function animated(frames: readonly Frame[]): Promise<Buffer> {
  const delay = frames.map(({ atMs }, at) =>
    Math.round((frames[at + 1]?.atMs ?? atMs + LAST_MS) - atMs),
  );
  const pages = frames.map(({ bytes }) => bytes);
  return sharp(pages, { join: { animated: true } })
    .webp({ quality: 70, effort: 6, loop: 0, delay, minSize: true })
    .toBuffer();
}

/** A palette does for a page of few colours. */
function small(png: Buffer): Promise<Buffer> {
  return sharp(png).png({ palette: true, effort: 10 }).toBuffer();
}
