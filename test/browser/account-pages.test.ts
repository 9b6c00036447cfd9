import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';
import { openPage } from './open-page.ts';
import { arrive, newKey, SLOW, signIn, visitServer } from './visit-server.ts';

const visited = visitServer({ ONESTEP_ALLOW_LOCAL_WEBHOOKS: 'true' });

/** The row of a table that has a text in it. */
const rowOf = (page: Page, caption: string, text: string): Locator =>
  page.locator(`section[aria-label="${caption}"] tbody tr`, { hasText: text });

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
const read = async (path: string): Promise<any> =>
  (await visited.server.send(path, { admin: true })).json();

describe('keys', () => {
  it('are edited in a form: what was changed, and nothing else', async () => {
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/keys`);
    const expires_at = '2040-02-03T04:05:06.789Z';
    const json = { label: 'shop', scopes: ['predict', 'read'], expires_at };
    const made = await visited.server.send('/v1/keys', { json, admin: true });
    const { id } = (await made.json()) as { id: string };
    await page.reload();
    const row = rowOf(page, 'API keys', id);
    await row.locator('text=Edit').click();
    await page.fill('#edit-label', 'bigger shop');
    await page.fill('#edit-rate', '42');
    await page.fill('#edit-day', '1.5');
    await page.uncheck('dialog input[value=read]');
    await page.click('dialog >> text=Save');
    await page.waitForSelector('dialog', { state: 'detached' });
    await expect.poll(() => row.textContent(), SLOW).toContain('bigger shop');
    expect(await row.textContent()).toMatch(/42\/min\$1\.50None/);
    const { results } = await read('/v1/keys');
    expect(results.find((key: { id: string }) => key.id === id)).toMatchObject({
      label: 'bigger shop',
      rate_per_minute: 42,
      day_cap: 1_500_000,
      month_cap: null,
      scopes: ['predict'],
      expires_at,
    });
    expect(errors).toEqual([]);
  });

  it('stay as they are where the form is left, and say what can’t be saved', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/keys`);
    const row = rowOf(page, 'API keys', 'Active').first();
    const before = await row.textContent();
    await row.locator('text=Edit').click();
    await page.fill('#edit-label', 'never saved');
    await page.click('dialog >> text=Cancel');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await row.textContent()).toBe(before);
    await row.locator('text=Edit').click();
    for (const scope of ['predict', 'read', 'admin']) {
      await page.uncheck(`dialog input[value=${scope}]`);
    }
    await page.click('dialog >> text=Save');
    await expect.poll(() => page.textContent('dialog .notice'), SLOW).toMatch(/scopes/);
  });
});

describe('credit', () => {
  it('is added by the operator, once however often it is pressed, and shown at once', async () => {
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/credits`);
    const { balance } = await read('/v1/account');
    await page.fill('#amount', '2.34');
    await page.evaluate(
      'const form = document.querySelector("#amount").form; form.requestSubmit(); form.requestSubmit()',
    );
    const after = `$${((balance + 2_340_000) / 1e6).toFixed(6).replace(/0{1,4}$/, '')}`;
    await expect.poll(() => page.textContent('#balance'), SLOW).toContain(after);
    await expect.poll(() => page.textContent('dd.large'), SLOW).toBe(after);
    await expect.poll(() => rowOf(page, 'Statement', '+$2.34').count(), SLOW).toBe(1);
    expect((await read('/v1/account')).balance).toBe(balance + 2_340_000);
    expect(errors).toEqual([]);
  });

  it('is nothing that a customer can add, who is told on every page while there is little', async () => {
    const { page } = await openPage(visited.browser);
    const { account, key } = await newKey(visited.server, { credit: 10_000 });
    await signIn(page, visited.server, key);
    for (const path of ['', 'usage']) {
      await page.goto(`${visited.server.url}/${path}`);
      await expect
        .poll(() => page.textContent('.alerts'), SLOW)
        .toBe('Only $0.01 of credit is left. Add credit');
    }
    const json = { account, amount: 5_000_000, reference: 'enough' };
    await visited.server.send('/v1/credits', { json, admin: true });
    await page.reload();
    await page.waitForSelector('#balance >> text=$5.01');
    await expect.poll(() => page.locator('.alerts').count(), SLOW).toBe(0);
    await page.goto(`${visited.server.url}/credits`);
    await page.waitForSelector('text=ask whoever runs this service');
    expect(await page.locator('#amount').count()).toBe(0);
  });
});

describe('the gallery', () => {
  it('is searched by words of the prompt, in any order, and by a tag', async () => {
    const { key } = await newKey(visited.server, { credit: 1_000_000 });
    for (const [prompt, season] of [
      ['a red fox in the snow', 'winter'],
      ['a red car', 'summer'],
      ['a dog in the snow', 'winter'],
    ]) {
      await visited.server.send('/v1/predictions', {
        json: { version: 'onestep/demo', input: { prompt }, metadata: { season } },
        headers: { authorization: `Bearer ${key}`, prefer: 'wait=30' },
      });
    }
    const { page } = await openPage(visited.browser);
    await signIn(page, visited.server, key);
    const found = (count: number) =>
      expect.poll(() => page.locator('.tiles li').count(), SLOW).toBe(count);
    await found(3);
    await page.fill('#search', 'snow');
    await found(2);
    await page.fill('#search', 'SNOW red');
    await found(1);
    expect(await page.textContent('.tiles li')).toContain('a red fox in the snow');
    await page.fill('#search', 'season:summer');
    await found(1);
    expect(await page.textContent('.tiles li')).toContain('a red car');
    await page.fill('#search', 'zebra');
    await expect.poll(() => page.textContent('.gallery .empty'), SLOW).toContain('“zebra”');
    await page.fill('#search', '');
    await found(3);
  });
});

describe('webhooks', () => {
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  beforeAll(async () => {
    receiver = await startWebhookReceiver();
  });
  afterAll(() => receiver.stop());

  it('show their rows as they come, without a reload, with the body as it was sent', async () => {
    const { page, errors } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/webhooks`);
    await page.waitForSelector('text=No webhooks sent yet.');
    const ordered = await visited.server.send('/v1/predictions', {
      json: {
        ...{ version: 'onestep/demo', input: { prompt: 'a boat' } },
        ...{ webhook: receiver.url, webhook_events_filter: ['completed'] },
      },
    });
    const { id } = (await ordered.json()) as { id: string };
    const row = rowOf(page, 'Deliveries', id);
    await expect.poll(() => row.textContent(), SLOW).toMatch(/delivered1/);
    await row.locator('text=View').click();
    const dialog = page.locator('dialog');
    await expect.poll(() => dialog.locator('tbody').textContent(), SLOW).toMatch(/200OK$/);
    const { body } = await receiver.first('completed');
    // Links to pictures work for a quarter of an hour: each showing has its own.
    const lasting = (text: string | null) =>
      JSON.parse(text ?? '', (name, value) => (/^output/.test(name) ? undefined : value));
    expect(lasting(await dialog.locator('pre').textContent())).toEqual(lasting(body));
    expect(errors).toEqual([]);
  });

  it('are tried by a test event', async () => {
    const { page } = await openPage(visited.browser);
    await arrive(page, visited.server);
    await page.goto(`${visited.server.url}/webhooks`);
    const before = receiver.received.length;
    await page.fill('#test-url', receiver.url);
    await page.click('text=Send test event');
    await expect.poll(() => receiver.received.length, SLOW).toBe(before + 1);
    await expect
      .poll(() => rowOf(page, 'Deliveries', 'test').first().textContent(), SLOW)
      .toContain('delivered');
  });
});
