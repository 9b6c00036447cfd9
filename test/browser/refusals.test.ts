import { describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

import { arrive, newKey, signIn, visitServer } from './visit-server.ts';

const visited = visitServer();

describe('what goes wrong is said', () => {
  it('names a key that does not work, and takes one that does', async () => {
    const { page } = await openPage(visited.browser);
    await page.goto(`${visited.server.url}/sign-in`);
    await page.fill('#key', 'os_live_made_up');
    await page.click('button.primary');
    expect(await page.textContent('[role=alert]')).toContain('does not work');
    await signIn(page, visited.server, (await newKey(visited.server)).key);
  });

  it('shows the form to a visitor without a session', async () => {
    expect(new URL((await fetch(visited.server.url)).url).pathname).toBe('/sign-in');
  });

  it('says that there is no credit', async () => {
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, (await newKey(visited.server)).key);
    await page.click('button.primary');
    expect(await page.textContent('[role=alert] strong')).toBe('Not enough credit');
  });

  it('counts down to when a limited key may try again', async () => {
    const { page } = await openPage(visited.browser);
    await signIn(
      page,
      visited.server,
      (await newKey(visited.server, { credit: 1_000_000, ratePerMinute: 1 })).key,
    );
    await page.click('button.primary');
    await page.waitForSelector('text=/Try again in \\d+ s/');
    expect(await page.textContent('.stage [role=alert] strong')).toBe('Too many requests');
  });

  it('says so when the key of the session was revoked', async () => {
    const { account, id, key } = await newKey(visited.server, { credit: 1_000_000 });
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, key);
    await visited.server.send(`/v1/keys/${id}/revoke?account=${account}`, {
      json: {},
      admin: true,
    });
    await page.click('button.primary');
    expect(await page.textContent('.stage [role=alert] strong')).toBe('You are signed out');
  });

  it('shows the place in the queue, and cancels', async () => {
    const orders = Array.from({ length: 12 }, (_, seed) =>
      visited.server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input: { prompt: 'a tree', seed, num_outputs: 4 } },
      }),
    );
    await Promise.all(orders);
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.click('button.primary');
    await page.waitForSelector('.waiting >> text=/\\d+ ahead of yours/');
    expect(await page.textContent('.stage [role=status]')).toContain('ahead of yours');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.stage >> text=Nothing was charged');
  });

  it('says why a blocked prompt is not run', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.fill('#prompt', 'a forbiddenword in the sea');
    await page.click('button.primary');
    expect(await page.textContent('.stage [role=alert]')).toContain(
      'Not allowed by this service’s rules',
    );
  });
});
