import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';
import { createAccountEraser } from '#shared/service/domain/account-deletion.ts';

describe('an account that the operator disables', () => {
  let api: ApiHarness;
  let admin: string;
  let account: string;
  let key: string;

  const post = (path: string, json?: unknown, as = admin) =>
    api.send(path, { method: 'POST', key: as, ...(json === undefined ? {} : { json }) });
  const ledger = async () => {
    const answer = await api.send(`/v1/ledger?account=${account}`, { key: admin });
    return (await answer.json()).results.map(({ kind }: { kind: string }) => kind);
  };
  const audit = async () => {
    const answer = await api.send(`/v1/audit?account=${account}`, { key: admin });
    return (await answer.json()).results.map(({ action }: { action: string }) => action);
  };

  beforeAll(async () => {
    api = await createApiHarness({ behaviour: 'hold' });
    admin = api.keys.adminKey;
    ({ id: account } = await (await post('/v1/accounts', { name: 'shop' })).json());
    await post('/v1/credits', { account, amount: 1_000_000, reference: 'invoice-1' });
    const scopes = ['predict', 'read', 'admin'];
    ({ key } = await (await post('/v1/keys', { account, scopes })).json());
  });
  afterAll(() => api.close());

  test('gets nothing more; what was admitted ends and is charged; then it is let in again', async () => {
    const order = { input: { prompt: 'a dog' } };
    const created = await post('/v1/predictions', order, key);
    expect(created.status).toBe(201);
    const { id } = await created.json();

    const disabled = await post(`/v1/accounts/${account}/disable`);
    expect(disabled.status).toBe(200);
    expect(await disabled.json()).toMatchObject({ id: account, disabled_at: expect.any(String) });
    for (const refused of [
      await post('/v1/predictions', order, key),
      await api.send(`/v1/predictions/${id}`, { key }),
      await post('/v1/keys', {}, key),
    ]) {
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ error: { code: 'account_disabled' } });
    }

    for (const request of [...api.gpu.held.values()]) await api.gpu.finish(request);
    expect(await ledger()).toEqual(['capture', 'hold', 'grant']);

    const again = await post(`/v1/accounts/${account}/disable`);
    expect((await again.json()).disabled_at).toEqual(expect.any(String));
    const enabled = await post(`/v1/accounts/${account}/enable`);
    expect(await enabled.json()).toMatchObject({ id: account, disabled_at: null });
    const seen = await api.send(`/v1/predictions/${id}`, { key });
    expect(await seen.json()).toMatchObject({ status: 'succeeded' });
    expect(await audit()).toEqual([
      'account-enabled',
      'account-disabled',
      'key-created',
      'credit-granted',
      'account-created',
    ]);
  });

  test('is another account: not the operator’s own, and one that exists', async () => {
    const own = await post(`/v1/accounts/${api.keys.account}/disable`);
    expect(own.status).toBe(409);
    const unknown = await post('/v1/accounts/acc_unknown/disable');
    expect(unknown.status).toBe(404);
    const byCustomer = await post(`/v1/accounts/${account}/enable`, undefined, key);
    expect(byCustomer.status).toBe(403);
    expect(await byCustomer.json()).toMatchObject({ error: { code: 'permission_denied' } });
  });
});

describe('an account that the operator deletes', () => {
  let api: ApiHarness;
  beforeAll(async () => {
    api = await createApiHarness();
  });
  afterAll(() => api.close());

  test('is shut out for good and loses its data, and its ledger stays', async () => {
    const admin = api.keys.adminKey;
    const send = async (method: string, path: string, json?: unknown, key = admin) =>
      api.send(path, { method, key, ...(json === undefined ? {} : { json }) });
    const made = await (await send('POST', '/v1/accounts', { name: 'shop' })).json();
    const { id: account } = made;
    await send('POST', '/v1/credits', { account, amount: 1_000_000, reference: 'invoice-9' });
    const { key } = await (await send('POST', '/v1/keys', { account })).json();
    const order = { version: 'onestep/test', input: { prompt: 'a secret wish' } };
    await (await send('POST', '/v1/predictions', order, key)).json();
    await api.services.dispatcher.drain(5000);

    const path = `/v1/accounts/${account}`;
    expect((await send('DELETE', path, undefined, key)).status).toBe(403);
    const deleted = await send('DELETE', path);
    expect(deleted.status).toBe(200);
    expect(await deleted.json()).toMatchObject({
      name: '',
      deleted_at: expect.any(String),
      erased_at: null,
    });
    expect((await send('DELETE', path)).status).toBe(200);
    expect((await send('GET', '/v1/account', undefined, key)).status).toBe(403);
    expect((await send('POST', `${path}/enable`)).status).toBe(409);

    const erase = createAccountEraser({
      ...api.stores,
      jobs: api.services.jobs,
      onError: (error) => {
        throw error;
      },
    });
    expect(await api.blobs.list('outputs/')).not.toEqual([]);
    for (let look = 0; look < 4; look++) await erase(api.services.settlement, Date.now());
    expect(await api.blobs.list('outputs/')).toEqual([]);
    expect(await api.stores.keys.list(account)).toEqual([]);
    const statement = await send('GET', `/v1/statement?account=${account}`);
    const { lines } = await statement.json();
    expect(lines.map(({ kind }: { kind: string }) => kind)).toEqual(['grant', 'capture']);
    expect((await send('DELETE', `/v1/accounts/${api.keys.account}`)).status).toBe(409);
    expect((await send('DELETE', '/v1/accounts/acc_none')).status).toBe(404);
  });
});
