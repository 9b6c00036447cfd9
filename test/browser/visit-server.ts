import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { copyOfTiny } from '#test/helpers/model-fixture.ts';
import { fromRoot } from '#test/helpers/root.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';
import { startBrowser, waitForPicture } from './open-page.ts';

export const run = promisify(execFile);
/** Machines that run tests may be busy. */
export const SLOW = { timeout: 20_000 };

const PRICES = JSON.stringify({
  version: 'test-1',
  models: { 'acme/tiny': [{ name: 'any', maxPixels: 128 * 128, perImage: 1000 }] },
});
const SAFETY = JSON.stringify({ blockList: ['forbiddenword'] });

/** Starts a server with two models, and a browser, for the tests of a file: set before the first. */
export function visitServer(env: Readonly<Record<string, string>> = {}): {
  server: RunningServer;
  browser: Browser;
} {
  const visited = {} as ReturnType<typeof visitServer>;
  beforeAll(async () => {
    const data = temporaryFolder();
    await importTiny(data);
    visited.server = await startServer({
      data,
      env: { ONESTEP_SAFETY: SAFETY, ONESTEP_PRICES: PRICES, ...env },
    });
    visited.browser = await startBrowser();
  });
  afterAll(async () => {
    await visited.browser?.close();
    await visited.server?.end('SIGTERM');
    if (visited.server !== undefined) removeFolder(visited.server.data);
  });
  return visited;
}

/** A second model beside the demo: tiny, at a price of its own. */
async function importTiny(data: string): Promise<void> {
  const repository = copyOfTiny(data);
  const path = join(repository, 'unet', 'config.json');
  writeFileSync(
    path,
    JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), sample_size: 16 }),
  );
  writeFileSync(join(repository, 'README.md'), '---\nlicense: openrail++\n---\n');
  const recipe = ['--recipe', 'disback'];
  await onestep('import', '--repo', repository, ...recipe, '--name', 'acme/tiny', '--data', data);
}

/** Runs a command of the CLI and returns what it prints. */
export async function onestep(...words: readonly string[]): Promise<string> {
  const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
  const all = [fromRoot('functions/cli/launch.mjs'), ...words];
  return (await run(process.execPath, all, { env })).stdout;
}

/** Signs a page in as the operator by a link, as `onestep open` does. */
export async function arrive(page: Page, server: RunningServer): Promise<Response | null> {
  const answer = await server.send('/session', { method: 'POST', admin: true });
  const { path } = (await answer.json()) as { path: string };
  return page.goto(server.url + path);
}

/** Types a prompt, orders, and waits until a picture is drawn. */
export async function makePicture(page: Page, prompt: string): Promise<void> {
  await page.fill('#prompt', prompt);
  await page.click('button.primary');
  await waitForPicture(page);
}

/** A key of an account of its own, made by the operator. */
export async function newKey(
  server: RunningServer,
  options: { credit?: number; ratePerMinute?: number } = {},
): Promise<{ account: string; id: string; key: string }> {
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

export async function signIn(page: Page, server: RunningServer, key: string): Promise<void> {
  await page.goto(`${server.url}/sign-in`);
  await page.fill('#key', key);
  await page.click('button.primary');
  await page.waitForSelector('#prompt');
}
