import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Account } from '#functions/api/account/account-schema.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { sampleGrant, sampleReversal } from '#test/helpers/samples.ts';

describe('an account that owes', () => {
  let api: ApiHarness;
  let account: AccountId;
  beforeAll(async () => {
    api = await createApiHarness({ config: { demoCredit: '10000' } });
    account = ((await (await api.send('/v1/account')).json()) as Account).id as AccountId;
  });
  afterAll(() => api.close());

  const order = (prompt: string, key?: string) =>
    api.send('/v1/predictions', {
      json: { input: { prompt } },
      ...(key !== undefined && { headers: { 'idempotency-key': key } }),
    });

  test('orders nothing, finds what it ordered before, and is told what it owes', async () => {
    const before = await order('a dog', 'first');
    expect(before.status).toBeLessThan(300);
    await api.stores.ledger.reverse(sampleReversal(10_000, { account }));
    const own = (await (await api.send('/v1/account')).json()) as Account;
    expect(own).toMatchObject({ balance: 0 });
    expect(own.owed).toBeGreaterThan(0);

    for (const key of [undefined, 'second']) {
      const refused = await order('a cat', key);
      expect(refused.status).toBe(402);
      expect(await refused.json()).toMatchObject({
        type: 'urn:onestep:error:account-owes',
        owed: own.owed,
        error: { code: 'account_owes', message: expect.stringContaining('is owed') },
      });
    }
    const again = await order('a dog', 'first');
    expect(again.status).toBeLessThan(300);
    expect(again.headers.get('idempotency-replayed')).toBe('true');

    await api.stores.ledger.grant(sampleGrant(own.owed + 4000, { account }));
    expect((await order('a cat')).status).toBeLessThan(300);
  });
});
