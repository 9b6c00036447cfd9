import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_EVENTS } from '#shared/core/account-hook.ts';
import type { OpenApiDocument } from '#functions/api/pages/reference/open-api-types.ts';
import { defined } from '#shared/core/defined.ts';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let harness: ApiHarness;
let document: OpenApiDocument;

beforeAll(async () => {
  harness = await createApiHarness();
  document = await (await harness.send('/openapi.json', { key: null })).json();
});
afterAll(async () => {
  await harness.close();
});

describe('the served OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('names every operation once, and puts it under a tag that is described', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const ids = operations.map(({ operationId }) => operationId ?? '');
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9]+$/);
    const tags = new Set(document.tags.map(({ name }) => name));
    expect(new Set(operations.flatMap((operation) => operation.tags ?? []))).toEqual(tags);
    expect(operations.every((operation) => operation.tags?.length === 1)).toBe(true);
    const links = operations.flatMap(({ responses }) =>
      Object.values(responses).flatMap((response) => Object.values(response.links ?? {})),
    );
    expect(links.length).toBeGreaterThan(10);
    for (const { operationId } of links) expect(ids).toContain(operationId);
  });

  it('has no component that may be null, which generators can not name', () => {
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
      expect([schema.type ?? 'object'].flat(), name).not.toContain('null');
      expect(name).not.toBe('Error');
    }
  });

  it('describes the calls that it makes itself', () => {
    expect(Object.keys(document.webhooks).sort()).toEqual(
      [
        ...['completed', 'logs', 'output', 'start'].map((event) => `prediction.${event}`),
        ...ACCOUNT_EVENTS,
      ].sort(),
    );
  });

  it('tells of every route behind a key what it refuses, with an example of the error body', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method} ${path}`,
        operation,
      })),
    );
    expect(operations.length).toBeGreaterThan(35);
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toBeTruthy();
      if (operation.security === undefined) continue;
      for (const status of ['401', '403', '429']) {
        const body = operation.responses[status]?.content?.['application/problem+json'];
        expect(body?.example, `${name} ${status}`).toMatchObject({ status: Number(status) });
      }
    }
  });

  it('describes the body of every failure', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        for (const [status, { content }] of Object.entries(responses)) {
          if (Number(status) >= 400) expect(content, `${method} ${path} ${status}`).toBeDefined();
        }
      }
    }
  });

  it('has an example of every body that is sent, and takes it', async () => {
    const schemas = document.components?.schemas ?? {};
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { requestBody }] of Object.entries(methods)) {
        const schema = requestBody?.content['application/json']?.schema;
        if (schema === undefined) continue;
        const name = schema.$ref?.split('/').at(-1) ?? '';
        const { example } = schemas[name] ?? {};
        expect(example, `${method} ${path}`).toBeDefined();
        const [owner = '', model = ''] = TEST_MODEL.name.split('/');
        const url = path.replace('{owner}', owner).replace('{name}', model).replace('{id}', 'none');
        const answer = await harness.send(url, {
          method: method.toUpperCase(),
          key: harness.keys.adminKey,
          json: example,
          headers: {
            accept: 'application/json, text/event-stream, image/png',
            'x-fal-target-url': `https://fal.run/${TEST_MODEL.name}`,
          },
        });
        const text = await answer.text();
        expect([200, 201, 404], `${method} ${path} ${text}`).toContain(answer.status);
      }
    }
  });

  it('is shown as a page, every route and schema of it', async () => {
    const answer = await harness.send('/docs', { key: null });
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await answer.text();
    for (const path of Object.keys(document.paths)) expect(page).toContain(`<code>${path}</code>`);
    for (const name of Object.keys(document.components?.schemas ?? {})) {
      expect(page).toContain(`id="schema-${name}"`);
    }
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    for (const id of links) expect(page).toContain(`id="${id}"`);
  });
});

describe('requests that no client would make', () => {
  const BODIES = [
    '',
    '{',
    'null',
    '[]',
    '"text"',
    '{"input":null}',
    '{"input":[]}',
    '{"prompt":1e999}',
    '{"prompt":"\\ud800"}',
    '{"__proto__":{"prompt":"x"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"generate"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nothing","arguments":7}}',
  ];
  const ROUTES = [
    ['POST', '/fal/onestep/test'],
    ['POST', '/fal/onestep/test/extra/path'],
    ['POST', '/fal/queue/onestep/test'],
    ['PUT', '/fal/queue/onestep/test/requests/x/cancel'],
    ['GET', '/fal/queue/onestep/test/requests/x/status/stream'],
    ['POST', '/fal/proxy'],
    ['GET', '/fal/proxy'],
    ['POST', '/mcp'],
    ['GET', '/streams/x/y'],
    ['GET', '/v1/webhooks/deliveries/%00'],
    ['GET', '/v1/webhooks/deliveries?limit=1e9'],
    ['GET', '/v1/usage?from=2026-02-31&by=day'],
    ['GET', '/v1/usage?from=9999-01-01&to=1970-01-01'],
  ] as const;

  it.each(ROUTES)('%s %s is never a 500', async (method, path) => {
    const bodies = method === 'GET' ? [undefined] : BODIES;
    for (const body of bodies) {
      const answer = await harness.send(path, {
        method,
        key: harness.keys.adminKey,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'x-fal-target-url': 'https://queue.fal.run/onestep/test/requests//status',
        },
        ...defined({ body }),
      });
      expect(answer.status, `${method} ${path} ${body}`).toBeLessThan(500);
      await answer.body?.cancel();
    }
    expect(harness.errors).toEqual([]);
  });
});

it('a webhook secret rotates without a body as well', async () => {
  const before = await (await harness.send('/v1/webhooks/default/secret')).json();
  const answer = await harness.send('/v1/webhooks/default/secret/rotate', {
    method: 'POST',
    key: harness.keys.adminKey,
  });
  const { key, previous_expires_at } = await answer.json();
  expect(key).not.toBe(before.key);
  expect(Date.parse(previous_expires_at) - Date.now()).toBeGreaterThan(23 * 3_600_000);
});

it('/mcp takes POST alone: a stream that nothing is ever sent on is not held open', async () => {
  for (const method of ['GET', 'DELETE']) {
    const answer = await harness.send('/mcp', { method, headers: { accept: 'text/event-stream' } });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  }
});

it('/mcp says of JSON that is no message of its protocol that it is none', async () => {
  for (const body of ['{}', '7', '{"jsonrpc":"1.0"}']) {
    const answer = await harness.send('/mcp', {
      body,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    });
    expect(answer.status).toBe(400);
    const { error } = await answer.json();
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(error.message).toContain('JSON-RPC');
  }
});

it.each([
  [406, 'application/json', 'application/json'],
  [415, 'application/json, text/event-stream', 'text/plain'],
])('/mcp answers %s with the one error body', async (status, accept, type) => {
  const answer = await harness.send('/mcp', {
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    headers: { accept, 'content-type': type },
  });
  expect([answer.status, (await answer.json()).status]).toEqual([status, status]);
});

it.each([
  ['DELETE', '/fal/onestep/test', 'POST'],
  ['GET', '/fal/queue/onestep/test', 'POST'],
  ['DELETE', '/fal/queue/onestep/test', 'GET, POST, PUT'],
  ['DELETE', '/fal/proxy', 'GET, POST, PUT'],
])("fal's routes say what methods they take: %s %s", async (method, path, allow) => {
  const answer = await harness.send(path, { method });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
});
