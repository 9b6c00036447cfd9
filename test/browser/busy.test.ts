import { describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

import { newKey, onestep, SLOW, signIn, visitServer } from './visit-server.ts';

const visited = visitServer();

/** What `onestep top` sees. */
async function top() {
  const printed = await onestep('top', '--json', '--data', visited.server.data);
  return JSON.parse(printed) as {
    waiting: number;
    running: number | null;
    today: { images: number };
  };
}

describe('while 200 jobs run', () => {
  it('the page and top say how it stands, and both are right at the end', async () => {
    const { key } = await newKey(visited.server, { credit: 1_000_000 });
    const headers = { authorization: `Bearer ${key}` };
    const { page, errors } = await openPage(visited.browser);
    await signIn(page, visited.server, key);
    const orders = Array.from({ length: 200 }, (_, seed) =>
      visited.server.send('/v1/predictions', {
        json: { version: 'acme/tiny', input: { prompt: 'a tree', seed, width: 64, height: 64 } },
        headers,
      }),
    );
    const statuses = (await Promise.all(orders)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201]));
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await expect
      .poll(() => page.textContent('.gallery [role=status]'))
      .toMatch(/^\d+ predictions? in progress/);
    const during = await top();
    expect(during.waiting + (during.running ?? 0)).toBeGreaterThan(0);
    await page.check('#model input[value="acme/tiny"]');
    await page.fill('#prompt', 'the last of them');
    await page.click('button.primary');
    await page.waitForSelector('.waiting >> text=/\\d+ ahead of yours/');
    await expect
      .poll(
        async () => {
          const answer = await visited.server.send('/v1/account', { headers });
          return ((await answer.json()) as { held: number }).held;
        },
        { timeout: 150_000, interval: 500 },
      )
      .toBe(0);
    await page.waitForSelector('.stage .pictures img', SLOW);
    await expect.poll(() => page.textContent('#balance')).toBe('Balance $0.799');
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
