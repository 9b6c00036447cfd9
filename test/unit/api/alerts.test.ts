import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Account, Alert } from '#functions/api/account/account-schema.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { sampleGrant } from '#test/helpers/samples.ts';

describe('alerts', () => {
  let api: ApiHarness;
  let account: AccountId;
  beforeAll(async () => {
    api = await createApiHarness({ config: { demoCredit: '900000' } });
    account = ((await (await api.send('/v1/account')).json()) as Account).id as AccountId;
  });
  afterAll(() => api.close());

  const alerts = async (): Promise<readonly Alert[]> =>
    (await (await api.send('/v1/alerts')).json()).results;

  test('say that less than a dollar is left, until there is more', async () => {
    expect(await alerts()).toEqual([
      { type: 'balance.low', data: { balance: 900_000, low_balance: 1_000_000 } },
    ]);
    await api.stores.ledger.grant(sampleGrant(100_000, { account }));
    expect(await alerts()).toEqual([]);
  });

  test('go by what the account has set for its webhook', async () => {
    const json = { url: 'https://shop.example.com/account', low_balance: 5_000_000 };
    const set = await api.send('/v1/webhooks/account', {
      key: api.keys.adminKey,
      method: 'PUT',
      json,
    });
    expect(set.status).toBe(200);
    expect(await alerts()).toEqual([
      { type: 'balance.low', data: { balance: 1_000_000, low_balance: 5_000_000 } },
    ]);
  });

  test('name a key that has reached its limit', async () => {
    const made = await api.send('/v1/keys', {
      key: api.keys.adminKey,
      json: { label: 'shop', day_cap: 100 },
    });
    const { id } = await made.json();
    expect(await alerts()).toContainEqual({
      type: 'key.capped',
      data: expect.objectContaining({ key: id, label: 'shop', cap: 100, spent: 0 }),
    });
  });
});
