import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { DAY, NOW } from '#test/helpers/samples.ts';

let clock: ManualClock;
let api: ApiHarness;
let account: string;
let key: string;
beforeEach(async () => {
  clock = createManualClock(NOW);
  api = await createApiHarness({ clock });
  account = (await post('/v1/accounts', { name: 'shop' })).id;
  await post('/v1/credits', {
    account,
    amount: 10_000,
    reference: 'pi_1',
    note: '=HYPERLINK("x")',
  });
  key = (await post('/v1/keys', { account })).key;
});
afterEach(() => api.close());

const post = async (path: string, json: object, as = api.keys.adminKey) =>
  (await api.send(path, { json, key: as })).json();
const image = () =>
  post('/v1/predictions', { version: 'onestep/test', input: { prompt: 'a' } }, key);
const get = async (query = '') => (await api.send(`/v1/statement${query}`, { key })).json();

describe('a monthly statement', () => {
  it('goes on where the month before ended, and ends with what the account has', async () => {
    const made = await image();
    await api.services.dispatcher.drain(5000);
    const november = await get();
    const cost = 10_000 - november.closing;
    expect(cost).toBeGreaterThan(0);
    expect(november).toMatchObject({
      account,
      name: 'shop',
      month: '2026-11',
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
      opening: 0,
      sums: { grant: 10_000, capture: -cost },
      lines: [
        { kind: 'grant', change: 10_000, total: 10_000, reference: 'pi_1' },
        { kind: 'capture', change: -cost, total: 10_000 - cost, prediction: made.id, images: 1 },
      ],
    });
    clock.advance(30 * DAY);
    await post('/v1/credits', { account, amount: 500, reference: 'pi_2' });
    expect(await get()).toMatchObject({
      month: '2026-12',
      opening: 10_000 - cost,
      closing: 10_500 - cost,
      lines: [{ reference: 'pi_2' }],
    });
    const { balance, held } = await (await api.send('/v1/account', { key })).json();
    expect(balance + held).toBe(10_500 - cost);
    expect((await get('?month=2026-11')).closing).toBe(10_000 - cost);
    expect(await get('?month=2026-10')).toMatchObject({ opening: 0, closing: 0, lines: [] });
  });

  it('is CSV for spreadsheets, in which no note is a formula', async () => {
    const answer = await api.send('/v1/statement?month=2026-11', {
      key,
      headers: { accept: 'text/csv' },
    });
    expect(answer.headers.get('content-disposition')).toContain('statement-2026-11.csv');
    const lines = (await answer.text()).split('\r\n');
    expect(lines).toEqual([
      'at,kind,change_micro_usd,total_micro_usd,prediction,model,images,reference,note,expires_at',
      '2026-11-01T00:00:00.000Z,opening,,0,,,,,,',
      `2026-11-23T12:00:00.000Z,grant,10000,10000,,,,pi_1,"'=HYPERLINK(""x"")",`,
      '2026-12-01T00:00:00.000Z,closing,,10000,,,,,,',
      '',
    ]);
  });

  it.each([
    ['2026-13', 400],
    ['november', 400],
    ['2026-12', 400],
  ])('of %s is refused', async (month, status) => {
    const answer = await api.send(`/v1/statement?month=${month}`, { key });
    expect(answer.status).toBe(status);
    expect((await answer.json()).detail).toContain('month');
  });

  it("of another account is the operator's to see", async () => {
    const other = `/v1/statement?account=${api.keys.account}`;
    expect((await api.send(other, { key })).status).toBe(403);
    const own = await api.send(`/v1/statement?account=${account}`, { key: api.keys.adminKey });
    expect(await own.json()).toMatchObject({ account, closing: 10_000 });
  });
});
