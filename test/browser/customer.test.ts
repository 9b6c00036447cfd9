import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCardPayments } from '#test/helpers/card-payments.ts';
import type { StripeStandIn } from '#test/stand-ins/stripe-api.ts';
import { openPage, seriousFaults, waitForPicture } from './open-page.ts';
import { arrive, SLOW, visitServer } from './visit-server.ts';

let stripe: StripeStandIn;
const env: Record<string, string> = {};
// Before the server starts, which is told where Stripe is.
beforeAll(async () => {
  const payments = await startCardPayments(() => visited.server.url);
  stripe = payments.stripe;
  Object.assign(env, payments.env);
});
afterAll(() => stripe?.close());

const visited = visitServer(env);
const STARTING = 2_000_000;
const BOUGHT = 5_000_000;

describe('a customer from nothing', () => {
  it('is invited, gets a key, buys credit by card, makes a picture, and every number agrees', async () => {
    const { server, browser } = visited;
    const operator = await openPage(browser);
    await arrive(operator.page, server);
    await operator.page.click('nav >> text=Accounts');
    await operator.page.fill('#invite-name', 'The shop');
    await operator.page.fill('#invite-credit', String(STARTING / 1_000_000));
    await operator.page.click('text=Create link');
    const url = (await operator.page.textContent('.issued code')) ?? '';
    expect(url).toMatch(/\/join#inv_/);
    expect(await seriousFaults(operator.page)).toEqual([]);

    const { page, errors, urls } = await openPage(browser);
    await page.goto(url);
    await page.waitForSelector('text=$2.00');
    expect(await seriousFaults(page)).toEqual([]);
    await page.click('text=Create account');
    const key = (await page.textContent('code.secret')) ?? '';
    expect(key).toMatch(/^os_live_/);
    // The page loaded again gets the same key: an answer may have been lost.
    await page.reload();
    expect(await page.textContent('code.secret')).toBe(key);
    // What is behind the # goes to no server.
    const secret = url.split('.').at(-1) ?? '';
    expect(urls.map((one) => one.replace(/#.*$/, '')).join(' ')).not.toContain(secret);
    await page.click('text=Continue');
    await page.waitForSelector('#prompt', SLOW);

    const ask = (path: string) =>
      fetch(server.url + path, { headers: { authorization: `Bearer ${key}` } });
    const get = async (path: string): Promise<unknown> => (await ask(path)).json();
    const account = (await get('/v1/account')) as { id: string; balance: number };
    await page.click('nav >> text=Credits');
    await page.fill('#dollars', String(BOUGHT / 1_000_000));
    await page.click('text=Pay by card');
    await page.waitForSelector('text=Pay 5 USD');
    await page.click('button');
    await page.waitForSelector('text=Thank you');
    await expect.poll(() => page.textContent('dd.large'), SLOW).toBe('$7.00');
    await page.click('nav >> text=Playground');
    await page.fill('#prompt', 'a tree');
    await page.click('button.primary');
    // The server has just started: it may still load the model.
    await waitForPicture(page, 90_000);

    const after = (await get('/v1/account')) as { id: string; balance: number };
    const cost = STARTING + BOUGHT - after.balance;
    expect(cost).toBeGreaterThan(0);
    const statement = await get('/v1/statement');
    expect(statement).toMatchObject({
      opening: 0,
      closing: after.balance,
      sums: { grant: STARTING + BOUGHT, capture: -cost },
    });

    await page.goto(`${server.url}/credits`);
    await page.click('text=Monthly statements');
    await page.waitForSelector('[data-sum=closing]', SLOW);
    const shown = async (name: string) =>
      Math.round(
        1_000_000 *
          Number(
            ((await page.textContent(`[data-sum=${name}]`)) ?? '')
              .replace('−', '-')
              .replaceAll(/[$+]/g, ''),
          ),
      );
    expect(await shown('opening')).toBe(0);
    expect(await shown('grant')).toBe(STARTING + BOUGHT);
    expect(await shown('capture')).toBe(-cost);
    expect(await shown('closing')).toBe(after.balance);
    expect(await page.locator('tbody tr').count()).toBe(3);
    expect(await seriousFaults(page)).toEqual([]);
    expect(errors).toEqual([]);

    const late = await openPage(browser);
    await late.page.goto(url);
    expect(await late.page.textContent('[role=alert]')).toContain('has been used');

    await operator.page.reload();
    await operator.page.click(`tr:has-text("${account.id}") >> text=Delete`);
    await operator.page.click('dialog button.alarm');
    await operator.page.waitForSelector('text=/Deleted|Erased/', SLOW);
    await expect
      .poll(async () => (await ask('/v1/account')).status, SLOW)
      .toBeGreaterThanOrEqual(401);
  });
});
