import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage, startBrowser } from './open-page.ts';
import { makePicture, newKey, visitServer } from './visit-server.ts';

const visited = visitServer();
let browser: Browser;
let elsewhere: Server;

/** Not the machine's own name, so to the browser the server is one without TLS: no request names its site. */
const named = (url: string, name: string) => `http://${name}:${new URL(url).port}`;

beforeAll(async () => {
  browser = await startBrowser('--host-resolver-rules=MAP *.test 127.0.0.1');
  elsewhere = createServer((request, answer) => {
    const url = new URL(request.url ?? '/', 'http://elsewhere.test');
    answer.setHeader('content-type', 'text/html');
    answer.setHeader('referrer-policy', url.searchParams.get('policy') ?? '');
    answer.end(
      `<form method="post" action="${named(visited.server.url, 'images.test')}/sign-in">` +
        `<input name="key" value="${url.searchParams.get('key')}"><button>Win</button></form>`,
    );
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await browser?.close();
  elsewhere?.close();
});

describe('a server that is reached over plain HTTP', () => {
  it('signs in by its own form, draws, and signs out', async () => {
    const { page, errors } = await openPage(browser);
    const home = named(visited.server.url, 'images.test');
    await page.goto(`${home}/sign-in`);
    await page.fill('#key', (await newKey(visited.server, { credit: 100_000 })).key);
    await page.click('button.primary');
    await page.waitForSelector('#prompt');
    await makePicture(page, 'a red house');
    await page.click('form[action$="sign-out"] button');
    await page.waitForSelector('#key');
    expect(errors).toEqual([]);
  });

  it.each(['', 'no-referrer'])(
    'and by no form of another site, whose referrer policy is %j',
    async (policy) => {
      const { page, context } = await openPage(browser);
      const { key } = await newKey(visited.server);
      const { port } = elsewhere.address() as AddressInfo;
      await page.goto(`http://elsewhere.test:${port}/?${new URLSearchParams({ key, policy })}`);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith('/sign-in')),
        page.click('button'),
      ]);
      expect(answer.status()).toBe(403);
      expect(await context.cookies()).toEqual([]);
    },
  );
});
