import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '#functions/api/pages/reference/open-api-types.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';
import { startWebhookReceiver } from '#test/helpers/webhook-receiver.ts';

const ajv = addFormats.default(new Ajv2020({ strict: false, validateSchema: false }));
const visited = new Set<string>();

let server: RealServer;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let document: OpenApiDocument;

beforeAll(async () => {
  server = await startRealServer({ allowLocalWebhooks: 'true' });
  receiver = await startWebhookReceiver();
  document = await server.call('GET', '/openapi.json');
  ajv.addSchema(document, 'openapi.json');
});
afterAll(async () => {
  await receiver.stop();
  await server.close();
});

interface Visit {
  /** Values of the path's `{names}`. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the route's first successful status. */
  readonly status?: number;
}

/** Calls a route of the document, and checks the answer by what the document says of it. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
async function visit(method: string, path: string, visit: Visit = {}): Promise<any> {
  const name = `${method} ${path}`;
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`${name} is not in the document`);
  visited.add(name);
  const { params = {}, query = '', body, headers } = visit;
  const address = path.replaceAll(/\{(\w+)\}/g, (_, part: string) => params[part] ?? '');
  const answer = await fetch(server.url + address + query, {
    method,
    headers: {
      authorization: `Bearer ${server.keys.adminKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const status = visit.status ?? Number(Object.keys(operation.responses)[0]);
  expect(answer.status, `${name}: ${text.slice(0, 500)}`).toBe(status);
  const { content } = operation.responses[status] ?? {};
  if (content === undefined) {
    expect(text, name).toBe('');
    return undefined;
  }
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  expect(Object.keys(content), name).toContain(type);
  if (!type.endsWith('json')) return text;
  const pointer = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type];
  const json = JSON.parse(text);
  const check = ajv.compile({ $ref: `openapi.json#/${pointer.map(pointerStep).join('/')}/schema` });
  check(json);
  expect(check.errors ?? [], `${name}: ${text.slice(0, 500)}`).toEqual([]);
  return json;
}

/** One step of a JSON pointer, inside a URI. */
function pointerStep(step: string | number): string {
  return encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** What clients of AUTOMATIC1111's dialect read. */
const SD_ROUTES = [
  'progress',
  'options',
  'sd-models',
  'samplers',
  'schedulers',
  'upscalers',
  'latent-upscale-modes',
  'sd-vae',
];

const input = { prompt: 'a red lighthouse', num_outputs: 2, seed: 7 };

describe('every answer is what the OpenAPI document says', () => {
  it('of models', async () => {
    const { results } = await visit('GET', '/v1/models');
    const [{ owner, name, latest_version }] = results;
    const params = { owner, name, version: latest_version.id };
    await visit('GET', '/v1/models/{owner}/{name}', { params });
    await visit('GET', '/v1/models/{owner}/{name}/versions', { params });
    await visit('GET', '/v1/models/{owner}/{name}/versions/{version}', { params });
    await visit('POST', '/v1/models/{owner}/{name}/warm', { params });
    await visit('GET', '/v1/hardware');
  });

  it('of accounts, keys and credit', async () => {
    const { id: account } = await visit('POST', '/v1/accounts', { body: { name: 'shop' } });
    await visit('GET', '/v1/accounts');
    await visit('GET', '/v1/account');
    await visit('POST', '/v1/accounts/{id}/disable', { params: { id: account } });
    await visit('POST', '/v1/accounts/{id}/enable', { params: { id: account } });
    const { results: alerts } = await visit('GET', '/v1/alerts');
    expect(alerts).toEqual([]);
    const grant = { account, amount: 5_000_000, reference: 'pi_1', note: 'card' };
    await visit('POST', '/v1/credits', { body: grant, status: 201 });
    await visit('POST', '/v1/credits', { body: grant, status: 200 });
    const key = { label: 'shop', day_cap: 1_000_000, expires_at: '2040-01-01T00:00:00Z' };
    const { id } = await visit('POST', '/v1/keys', { body: key });
    const params = { id };
    await visit('GET', '/v1/keys');
    await visit('GET', '/v1/keys/{id}', { params });
    await visit('PATCH', '/v1/keys/{id}', { params, body: { month_cap: 9_000_000 } });
    const rotated = await visit('POST', '/v1/keys/{id}/rotate', { params });
    await visit('GET', '/v1/keys/{id}', { params });
    await visit('POST', '/v1/keys/{id}/revoke', { params: { id: rotated.id } });
    await visit('GET', '/v1/audit', { query: '?limit=3' });
    await visit('GET', '/v1/ledger', { query: `?account=${account}` });
    await visit('GET', '/v1/statement', { query: `?account=${account}` });
    await visit('GET', '/v1/statement', { query: '?format=csv' });
    await visit('DELETE', '/v1/accounts/{id}', { params: { id: account } });
  });

  it('of invitations', async () => {
    const { id, url } = await visit('POST', '/v1/invitations', { body: { name: 'guest' } });
    const token = new URL(url).hash.slice(1);
    await visit('POST', '/v1/join/check', { body: { token } });
    const body = { token, key_secret: 'Zx81vBn4Qw7Lk2Mj9Hf3Td6R' };
    await visit('POST', '/v1/join', { body, status: 201 });
    await visit('POST', '/v1/join', { body, status: 200 });
    await visit('POST', '/v1/invitations/{id}/revoke', { params: { id } });
    await visit('GET', '/v1/invitations');
  });

  it('of predictions', async () => {
    await visit('POST', '/v1/estimate', { body: { input } });
    const created = await visit('POST', '/v1/predictions', {
      body: { input, webhook: receiver.url, metadata: { team: 'web' } },
    });
    const params = { id: created.id };
    await visit('GET', '/v1/predictions/{id}', { params });
    await receiver.first('completed');
    const ended = await visit('GET', '/v1/predictions/{id}', { params });
    expect(ended.status).toBe('succeeded');
    const [id, token] = new URL(ended.urls.stream).pathname.split('/').slice(-2);
    await visit('GET', '/streams/{id}/{token}', { params: { id: id ?? '', token: token ?? '' } });
    const { receipt } = ended;
    const { pixels_sha256 } = receipt.images[0];
    const verdict = await visit('POST', '/v1/images/verify', { body: { receipt, pixels_sha256 } });
    expect(verdict.made_here).toBe(true);
    const headers = { prefer: 'wait' };
    const replayed = await visit('POST', '/v1/predictions/{id}/replay', { params, headers });
    await visit('POST', '/v1/predictions/{id}/cancel', { params: { id: replayed.id } });
    const [owner = '', name = ''] = ended.model.split('/');
    const path = '/v1/models/{owner}/{name}/predictions';
    await visit('POST', path, { params: { owner, name }, body: { input }, headers });
    await visit('GET', '/v1/predictions', { query: '?limit=2' });
    await visit('DELETE', '/v1/predictions/{id}', { params: { id: replayed.id } });
    const erased = await visit('GET', '/v1/predictions/{id}', { params: { id: replayed.id } });
    expect(erased.data_removed).toBe(true);
    await visit('GET', '/v1/predictions/{id}', { params: { id: 'none' }, status: 404 });
    await visit('GET', '/v1/usage', { query: '?by=day,model,tag:team' });
    await visit('GET', '/v1/usage', { query: '?format=csv' });
    await visit('GET', '/v1/ledger');
  });

  it('of webhooks', async () => {
    const { results } = await visit('GET', '/v1/webhooks/deliveries');
    const [{ id, prediction }] = results;
    await visit('GET', '/v1/webhooks/deliveries/{id}', { params: { id } });
    await visit('GET', '/v1/predictions/{id}/webhooks', { params: { id: prediction } });
    await visit('POST', '/v1/webhooks/deliveries/{id}/resend', { params: { id } });
    await visit('GET', '/v1/webhooks/default/secret');
    await visit('POST', '/v1/webhooks/default/secret/rotate', { body: { overlap_hours: 1 } });
    const url = 'http://127.0.0.1:9/closed';
    await visit('POST', '/v1/predictions', { body: { input, webhook: url } });
    const failing = async () => {
      const { results } = await visit('GET', '/v1/webhooks/endpoints');
      return results.map((endpoint: { url: string }) => endpoint.url);
    };
    await expect.poll(failing, { timeout: 30_000 }).toContain(url);
    await visit('POST', '/v1/webhooks/endpoints/enable', { body: { url } });
    const hook = '/v1/webhooks/account';
    await visit('PUT', hook, { body: { url: receiver.url, low_balance: 1 } });
    await visit('GET', hook);
    const test = await visit('POST', '/v1/webhooks/test', { body: { url: receiver.url } });
    const tested = await visit('GET', '/v1/webhooks/deliveries/{id}', { params: { id: test.id } });
    expect(tested.account_event).toMatchObject({ type: 'test' });
    await visit('DELETE', hook);
  });

  it('of the other dialects', async () => {
    const [{ owner, name }] = (await visit('GET', '/v1/models')).results;
    const prompt = 'a blue balloon';
    const params = { owner, name };
    await visit('POST', '/v1/images', { body: { prompt } });
    await visit('POST', '/v1/images/generations', { body: { prompt, n: 2 } });
    await visit('POST', '/v1/images/generations', {
      body: { prompt, response_format: 'b64_json' },
    });
    await visit('POST', '/v1/images/generations', { body: { prompt, stream: true } });
    await visit('POST', '/fal/{owner}/{name}', { params, body: { prompt, sync_mode: true } });
    const headers = { 'x-fal-target-url': `https://fal.run/${owner}/${name}` };
    await visit('POST', '/fal/proxy', { body: { prompt }, headers });
    const queued = await visit('POST', '/fal/queue/{owner}/{name}', { params, body: { prompt } });
    const request = { ...params, id: queued.request_id };
    const path = '/fal/queue/{owner}/{name}/requests/{id}';
    const status = () => visit('GET', `${path}/status`, { params: request });
    await expect.poll(async () => (await status()).status, { timeout: 30_000 }).toBe('COMPLETED');
    await visit('GET', path, { params: request });
    await visit('PUT', `${path}/cancel`, { params: request, status: 400 });
    await visit('POST', '/sdapi/v1/txt2img', { body: { prompt, batch_size: 2, steps: 20 } });
    await visit('POST', '/sdapi/v1/interrupt');
    await visit('POST', '/sdapi/v1/options', { body: { sd_model_checkpoint: `${owner}/${name}` } });
    for (const list of SD_ROUTES) await visit('GET', `/sdapi/v1/${list}`);
    await visit('POST', '/mcp', {
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      headers: { accept: 'application/json, text/event-stream' },
    });
  });

  it('of operations', async () => {
    await visit('GET', '/healthz');
    await visit('GET', '/readyz');
    await visit('GET', '/v1/status');
    await visit('GET', '/metrics');
    await visit('GET', '/.well-known/onestep.json');
  });

  it('and no route was left out', () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...visited].sort()).toEqual(routes.sort());
    expect(server.errors).toEqual([]);
  });
});
