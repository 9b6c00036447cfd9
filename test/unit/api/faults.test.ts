import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defined } from '#shared/core/defined.ts';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
let othersKey: string;
let readOnlyKey: string;
let job: string;

beforeAll(async () => {
  api = await createApiHarness();
  const admin = { key: api.keys.adminKey };
  const other = await (
    await api.send('/v1/accounts', { ...admin, json: { name: 'other' } })
  ).json();
  const issued = await api.send('/v1/keys', {
    ...admin,
    json: { account: other.id, scopes: ['predict', 'read', 'admin'] },
  });
  othersKey = (await issued.json()).key;
  const reader = await api.send('/v1/keys', { ...admin, json: { scopes: ['read'] } });
  readOnlyKey = (await reader.json()).key;
  const created = await api.send('/v1/predictions', {
    json: { input: { prompt: 'mine' } },
    headers: { prefer: 'wait' },
  });
  job = (await created.json()).id;
});
afterAll(() => api.close());

const ID = '01jd3k8v7m0000000000000000';
const IMAGE = { prompt: 'x' };

/** Every route that needs a key, with a body that would be right. */
const TABLE: readonly (readonly [method: string, path: string, json?: unknown])[] = [
  ['POST', '/v1/predictions', { input: IMAGE }],
  ['POST', `/v1/models/${TEST_MODEL.name}/predictions`, { input: IMAGE }],
  ['POST', '/v1/images', IMAGE],
  ['GET', '/v1/predictions'],
  ['GET', `/v1/predictions/${ID}`],
  ['POST', `/v1/predictions/${ID}/cancel`],
  ['DELETE', `/v1/predictions/${ID}`],
  ['GET', '/v1/models'],
  ['GET', `/v1/models/${TEST_MODEL.name}`],
  ['GET', `/v1/models/${TEST_MODEL.name}/versions`],
  ['GET', `/v1/models/${TEST_MODEL.name}/versions/${TEST_MODEL.digest}`],
  ['GET', '/v1/account'],
  ['GET', '/v1/accounts'],
  ['POST', '/v1/accounts', { name: 'another' }],
  ['GET', '/v1/hardware'],
  ['GET', '/v1/ledger'],
  ['GET', '/v1/audit'],
  ['GET', '/v1/keys'],
  ['POST', '/v1/keys', { label: 'x' }],
  ['GET', '/v1/keys/nobody'],
  ['PATCH', '/v1/keys/nobody', { label: 'y' }],
  ['POST', '/v1/keys/nobody/rotate', {}],
  ['POST', '/v1/keys/nobody/revoke'],
  ['POST', '/v1/credits', { amount: 1, reference: 'r' }],
];
const ROUTES = TABLE.map(([method, path, json]) => ({ method, path, json }));
const WITH_BODY = ROUTES.filter(({ json }) => json !== undefined);

type Answer = Awaited<ReturnType<ApiHarness['send']>>;

/** The one shape of every failure. */
async function expectError(response: Answer, status: number, code: string) {
  const text = await response.text();
  const body = JSON.parse(text);
  expect({ status: response.status, code: body.error?.code }, text).toEqual({ status, code });
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({
    type: expect.stringMatching(/^urn:onestep:error:/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    request_id: response.headers.get('x-request-id'),
    error: { message: body.detail, type: expect.any(String), code },
  });
  expect(body.request_id).toMatch(/^req_/);
  expect(text).not.toMatch(/node_modules|\.ts:|SQLITE|os_live_[^…]/);
  return body;
}

describe.each(ROUTES)('$method $path', ({ method, path, json }) => {
  const send = (init: Parameters<ApiHarness['send']>[1] = {}) =>
    api.send(path, { method, ...defined({ json }), ...init });

  test('without a key: 401', async () => {
    await expectError(await send({ key: null }), 401, 'unauthenticated');
  });

  test('with a forged key: 401', async () => {
    const forged = `${api.keys.key.slice(0, -1)}${api.keys.key.endsWith('0') ? '1' : '0'}`;
    await expectError(await send({ key: forged }), 401, 'unauthenticated');
  });

  test('by a method that it does not know: 405 with the ones that it does', async () => {
    const response = await send({ method: 'PUT', key: api.keys.adminKey });
    await expectError(response, 405, 'method_not_allowed');
    expect(response.headers.get('allow')).toContain(method);
  });
});

describe.each(WITH_BODY)('$method $path with a bad body', ({ method, path, json }) => {
  const send = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    api.send(path, { method, body, headers: { 'content-type': type }, key: api.keys.adminKey });

  test('that is no JSON: 400', async () => {
    await expectError(await send('{"input":'), 400, 'invalid_json');
  });

  test('that is no UTF-8: 400', async () => {
    await expectError(await send(new Uint8Array([0x22, 0xff, 0x22])), 400, 'invalid_json');
  });

  test('of another type: 415', async () => {
    const response = await send(JSON.stringify(json), 'text/plain');
    await expectError(response, 415, 'unsupported_media_type');
  });

  test('that is too large: 413', async () => {
    await expectError(await send(`"${'x'.repeat(70_000)}"`), 413, 'payload_too_large');
  });

  test('of another shape: 422 with the path', async () => {
    const body = await expectError(await send('[]'), 422, 'invalid_input');
    expect(body.errors.length).toBeGreaterThan(0);
  });
});

describe('what a key may not do', () => {
  test.each([
    ['POST', '/v1/predictions', { input: IMAGE }],
    ['POST', '/v1/images', IMAGE],
    ['GET', '/v1/keys', undefined],
    ['GET', '/v1/audit', undefined],
    ['POST', '/v1/credits', { amount: 1, reference: 'r' }],
  ])('a key that may only read: %s %s is 403', async (method, path, json) => {
    const response = await api.send(path, { method, key: readOnlyKey, ...(json && { json }) });
    await expectError(response, 403, 'permission_denied');
  });

  test.each([
    ['GET', '/v1/accounts', undefined],
    ['POST', '/v1/accounts', { name: 'mine' }],
    ['POST', '/v1/credits', { amount: 1_000_000, reference: 'free money' }],
    ['POST', '/v1/keys', { account: 'acc_nobody' }],
  ])('another account’s admin: %s %s is 403', async (method, path, json) => {
    const response = await api.send(path, { method, key: othersKey, ...(json && { json }) });
    await expectError(response, 403, 'permission_denied');
  });

  test.each([
    ['GET', ''],
    ['POST', '/cancel'],
    ['DELETE', ''],
  ])('another account’s prediction is unknown: %s %s', async (method, suffix) => {
    const response = await api.send(`/v1/predictions/${job}${suffix}`, { method, key: othersKey });
    const body = await expectError(response, 404, 'not_found');
    expect(body.detail).toBe(`There is no prediction "${job}".`);
    const list = await (await api.send('/v1/predictions', { key: othersKey })).json();
    expect(list.results).toEqual([]);
  });
});

describe('limits', () => {
  test('no money: 402 with what is needed, and no job', async () => {
    const response = await api.send('/v1/predictions', { key: othersKey, json: { input: IMAGE } });
    const body = await expectError(response, 402, 'insufficient_funds');
    expect(body).toMatchObject({ required: 4000, available: 0 });
    expect(response.headers.get('x-should-retry')).toBe('false');
  });

  test('too fast: 429 with headers that say when', async () => {
    const issued = await api.send('/v1/keys', {
      key: api.keys.adminKey,
      json: { rate_per_minute: 2 },
    });
    const { key } = await issued.json();
    await api.send('/v1/models', { key });
    await api.send('/v1/models', { key });
    const response = await api.send('/v1/models', { key });
    await expectError(response, 429, 'rate_limited');
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.headers.get('ratelimit-policy')).toBe('"default";q=2;w=60');
    expect(response.headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
  });

  test('a full queue: 429 that says so', async () => {
    const small = await createApiHarness({ config: { queueLimit: '1' }, behaviour: 'hold' });
    await small.send('/v1/predictions', { json: { input: IMAGE } });
    const response = await small.send('/v1/predictions', { json: { input: IMAGE } });
    await expectError(response, 429, 'queue_full');
    expect(response.headers.get('retry-after')).not.toBeNull();
    await small.close();
  });

  test('a revoked key is refused at once', async () => {
    const admin = { key: api.keys.adminKey };
    const { key, id } = await (await api.send('/v1/keys', { ...admin, json: {} })).json();
    expect((await api.send('/v1/models', { key })).status).toBe(200);
    await api.send(`/v1/keys/${id}/revoke`, { ...admin, method: 'POST' });
    await expectError(await api.send('/v1/models', { key }), 401, 'unauthenticated');
    const audit = await (await api.send('/v1/audit', admin)).json();
    expect(audit.results[0]).toMatchObject({ action: 'key-revoked', subject: id });
  });

  test('a rotated key works beside its successor for the overlap', async () => {
    const admin = { key: api.keys.adminKey };
    const old = await (await api.send('/v1/keys', { ...admin, json: {} })).json();
    const rotated = await api.send(`/v1/keys/${old.id}/rotate`, {
      ...admin,
      json: { overlap_seconds: 60 },
    });
    const fresh = await rotated.json();
    const again = await api.send(`/v1/keys/${fresh.id}/rotate`, { ...admin, method: 'POST' });
    expect(again.status).toBe(201);
    expect(fresh.key).not.toBe(old.key);
    for (const { key } of [old, fresh]) {
      expect((await api.send('/v1/models', { key })).status).toBe(200);
    }
  });
});

describe('headers of an order', () => {
  test.each([
    [{ 'cancel-after': '2s' }, 'invalid_request'],
    [{ 'cancel-after': 'soon' }, 'invalid_request'],
    [{ 'idempotency-key': 'x'.repeat(300) }, 'invalid_request'],
  ])('%j is 400', async (headers, code) => {
    const response = await api.send('/v1/predictions', { json: { input: IMAGE }, headers });
    await expectError(response, 400, code);
  });

  test('an image of a type that there is none of: 406', async () => {
    const response = await api.send('/v1/images', {
      json: IMAGE,
      headers: { accept: 'image/gif' },
    });
    await expectError(response, 406, 'not_acceptable');
  });

  test('Cancel-After sets the deadline', async () => {
    const response = await api.send('/v1/predictions', {
      json: { input: IMAGE },
      headers: { 'cancel-after': '1m30s' },
    });
    const { created_at, deadline } = await response.json();
    expect(Date.parse(deadline) - Date.parse(created_at)).toBe(90_000);
  });
});

test('an unknown route is 404 of the same shape', async () => {
  await expectError(await api.send('/v2/nothing'), 404, 'not_found');
});

test('nothing of all this was a fault of ours', () => {
  expect(api.errors).toEqual([]);
});

test('a name of metadata that is none is named, with what a name may have', async () => {
  const answer = await api.send('/v1/predictions', {
    json: { input: IMAGE, metadata: { 'två ord': 'x', ['y'.repeat(5000)]: 'z' } },
  });
  expect(answer.status).toBe(422);
  const message = 'A name has 1 to 64 letters, digits, "_", "." or "-"';
  expect((await answer.json()).errors).toEqual([
    { path: 'metadata.två ord', message },
    { path: `metadata.${'y'.repeat(64)}`, message },
  ]);
});
