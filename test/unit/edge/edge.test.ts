import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createEdgeApp } from '#functions/edge/app.ts';
import { edgeHeaders } from '#functions/edge/edge-headers.ts';
import { systemClock } from '#shared/core/clock.ts';
import type { Forwarded } from '#shared/core/forwarded.ts';
import { type MacKeys, mintApiKey } from '#shared/service/domain/key-format.ts';

const macKeys: MacKeys = { current: 1, keys: new Map([[1, randomBytes(32)]]) };
const { text: key } = mintApiKey({ randomBytes, macKeys });

function createEdge() {
  const forward = vi.fn((_request: Request, _forwarded: Forwarded) => new Response('through'));
  const app = createEdgeApp({
    config: { MAX_BODY_BYTES: 65_536 },
    macKeys,
    clock: systemClock,
    randomBytes,
    forward,
    onError: () => undefined,
  });
  return { app, forward, forwarded: () => forward.mock.calls[0]?.[1] };
}

describe('the edge', () => {
  test.each(['Bearer', 'bearer', 'Token', 'Key'])('lets %s through', async (scheme) => {
    const { app, forwarded } = createEdge();
    const authorization = `${scheme} ${key}`;
    const response = await app.request('/v1/models', { headers: { authorization } });
    expect(await response.text()).toBe('through');
    expect(forwarded()?.authorization).toBe(authorization);
  });

  test('asks nobody about a key whose MAC is not ours, whichever digit differs', async () => {
    for (let i = 'os_live_'.length; i < key.length; i += 5) {
      const { app, forward } = createEdge();
      const wrong = key.charAt(i) === 'a' ? 'b' : 'a';
      const authorization = `Bearer ${key.slice(0, i)}${wrong}${key.slice(i + 1)}`;
      const response = await app.request('/v1/models', { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(forward).not.toHaveBeenCalled();
    }
  });

  test.each(['/', '/openapi.json', '/readyz', '/files/outputs/a/0.png', '/streams/x/y'])(
    '%s needs no key',
    async (path) => {
      const { app } = createEdge();
      expect((await app.request(path)).status).toBe(200);
    },
  );

  test.each(['/v1/predictions', '/metrics', '/mcp', '/anything'])('%s does', async (path) => {
    const { app } = createEdge();
    expect((await app.request(path)).status).toBe(401);
  });

  test('tells the digest of the body and hands it on', async () => {
    const { app, forwarded } = createEdge();
    const body = '{"input":{"prompt":"ü"}}';
    await app.request('/v1/predictions', {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(forwarded()?.bodySha256).toBe(createHash('sha256').update(body).digest('hex'));
    expect(new TextDecoder().decode(forwarded()?.body)).toBe(body);
  });

  test('refuses 64 KB and a byte, announced or not', async () => {
    const headers = { authorization: `Bearer ${key}` };
    const big = new Uint8Array(65_537);
    const { app, forward } = createEdge();
    const announced = { ...headers, 'content-length': String(big.length) };
    const stream = new Blob([big]).stream();
    const requests = [
      new Request('http://edge/v1/images', { method: 'POST', body: big, headers: announced }),
      new Request('http://edge/v1/images', {
        method: 'POST',
        body: stream,
        headers,
        duplex: 'half',
      }),
    ];
    for (const request of requests) expect((await app.request(request)).status).toBe(413);
    expect(forward).not.toHaveBeenCalled();
    const fits = { method: 'POST', body: big.subarray(1), headers };
    expect((await app.request('/v1/images', fits)).status).toBe(200);
  });

  test('answers preflights and says that it is well', async () => {
    const { app } = createEdge();
    const asking = (headers: string) => ({
      method: 'OPTIONS',
      headers: { 'access-control-request-headers': headers },
    });
    const preflight = await app.request(
      '/v1/predictions',
      asking('authorization,content-type,idempotency-key'),
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toBe(
      'authorization,content-type,idempotency-key',
    );
    const odd = await app.request('/v1/predictions', asking('a b; c'));
    expect(odd.headers.get('access-control-allow-headers')).toBeNull();
    expect((await app.request('/healthz')).status).toBe(200);
  });
});

test('the headers that the edge tells the API with', () => {
  expect(edgeHeaders({ requestId: 'req_1', authorization: 'Bearer real' }, 'a.example')).toEqual({
    'x-onestep-authorization': 'Bearer real',
    'x-request-id': 'req_1',
    'x-onestep-host': 'a.example',
    'x-amz-content-sha256': createHash('sha256').update('').digest('hex'),
  });
  expect(edgeHeaders({ requestId: 'r' }, 'a.example')).not.toHaveProperty(
    'x-onestep-authorization',
  );
});
