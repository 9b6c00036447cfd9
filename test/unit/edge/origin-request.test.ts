import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { composeEdge } from '#functions/edge/compose.ts';
import { loadEdgeConfig } from '#functions/edge/config.ts';
import type { CloudFrontRequest, CloudFrontResponse } from '#functions/edge/origin-request.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { mintApiKey } from '#shared/service/domain/key-format.ts';
import { isEdgeAnswer, originRequestEvent } from '#test/helpers/lambda-events.ts';

const SECRET = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL';
const HOST = 'd111111abcdef8.cloudfront.net';
const random = (length: number) => new Uint8Array(randomBytes(length));
const mint = (secret: string) =>
  mintApiKey({ randomBytes: random, macKeys: parseMacKeys(secret) }).text;

function edge(
  settings: Record<string, string> = {},
  readSecret = async () => SECRET,
  onError: (error: unknown) => void = () => {},
) {
  return composeEdge(
    loadEdgeConfig({ MAC_SECRET_ARN: 'mac', MAC_SECRET_REGION: 'us-east-1', ...settings }),
    { readSecret, clock: { now: () => 1_800_000_000_000 }, randomBytes: random, onError },
  );
}

const order = (headers: Record<string, string>, body = Buffer.from('{"input":{}}')) =>
  originRequestEvent({ method: 'POST', path: '/v1/predictions?a=1', headers, body }, HOST);

function passed(result: CloudFrontRequest | CloudFrontResponse): CloudFrontRequest {
  if (isEdgeAnswer(result)) throw new Error(`answered ${result.status}: ${result.body}`);
  return result;
}
function answered(result: CloudFrontRequest | CloudFrontResponse): CloudFrontResponse {
  if (!isEdgeAnswer(result)) throw new Error('let through');
  return result;
}
const headerOf = (request: CloudFrontRequest, name: string) =>
  request.headers[name]?.map(({ value }) => value);

describe('the edge at the origin request', () => {
  it('passes a good key on, with the body, its hash and the copied authorization', async () => {
    const key = mint(SECRET);
    const event = order({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
    const request = passed(await edge()(event));
    expect(request).toMatchObject({ uri: '/v1/predictions', querystring: 'a=1', method: 'POST' });
    expect(request.body).toEqual(event.Records[0].cf.request.body);
    const hash = createHash('sha256').update('{"input":{}}').digest('hex');
    expect(headerOf(request, 'x-amz-content-sha256')).toEqual([hash]);
    expect(headerOf(request, 'x-onestep-authorization')).toEqual([`Bearer ${key}`]);
    expect(headerOf(request, 'x-onestep-host')).toEqual([HOST]);
    expect(headerOf(request, 'x-request-id')?.[0]).toMatch(/^req_/);
  });

  it('deletes what only the edge may say', async () => {
    const forged = {
      'x-onestep-authorization': 'Bearer stolen',
      'x-onestep-host': 'evil.example',
      'x-request-id': 'mine',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    };
    const event = originRequestEvent(
      { method: 'GET', path: '/openapi.json', headers: forged, body: Buffer.alloc(0) },
      HOST,
    );
    const request = passed(await edge()(event));
    expect(request.headers).not.toHaveProperty('x-onestep-authorization');
    expect(JSON.stringify(request.headers)).not.toMatch(/evil|stolen|mine|UNSIGNED/);
  });

  it("leaves the client's other headers as they are: CloudFront answers 502 when a read-only one changes", async () => {
    const event = order({ authorization: `Bearer ${mint(SECRET)}` });
    const given = {
      via: [
        { key: 'Via', value: '1.1 proxy' },
        { key: 'Via', value: '2.0 edge' },
      ],
      'accept-encoding': [{ key: 'Accept-Encoding', value: 'gzip' }],
      cookie: [
        { key: 'Cookie', value: 'a=1' },
        { key: 'Cookie', value: 'b=2' },
      ],
    };
    Object.assign(event.Records[0].cf.request.headers, given);
    const { headers } = passed(await edge()(event));
    expect(headers).toMatchObject(given);
  });

  it('knows the deployment by its own domain where it has one', async () => {
    const event = order({ authorization: `Bearer ${mint(SECRET)}` });
    const request = passed(await edge({ PUBLIC_HOST: 'images.example.com' })(event));
    expect(headerOf(request, 'x-onestep-host')).toEqual(['images.example.com']);
  });

  it.each([
    ['no key', {}],
    ['a key of another form', { authorization: 'Bearer sk-1234' }],
    ['a key signed by somebody else', { authorization: `Bearer ${mint(`${SECRET}x`)}` }],
  ])('answers 401 itself to %s', async (_, headers) => {
    const answer = answered(await edge()(order(headers as Record<string, string>)));
    expect(answer.status).toBe('401');
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401 });
  });

  it.each([
    ['larger than the limit', Buffer.alloc(70_000, 32)],
    ['cut off by CloudFront', Buffer.alloc(2_000_000, 32)],
  ])('answers 413 itself to a body %s', async (_, body) => {
    const event = order({ authorization: `Bearer ${mint(SECRET)}` }, body);
    expect(answered(await edge()(event)).status).toBe('413');
  });

  describe('an image to verify', () => {
    const send = (body: Buffer, headers: Record<string, string> = {}, path = '/v1/images/verify') =>
      edge()(
        originRequestEvent(
          {
            method: 'POST',
            path,
            headers: {
              authorization: `Bearer ${mint(SECRET)}`,
              'content-type': 'image/png',
              ...headers,
            },
            body,
          },
          HOST,
        ),
      );
    const large = Buffer.alloc(2_000_000, 32);
    const digestOf = (body: Buffer) => createHash('sha256').update(body).digest('hex');

    it('may be as large as CloudFront shows', async () => {
      const body = Buffer.alloc(1_000_000, 32);
      const request = passed(await send(body));
      expect(headerOf(request, 'x-amz-content-sha256')).toEqual([digestOf(body)]);
    });

    it('may be larger where the client gives its digest', async () => {
      const digest = digestOf(large);
      const request = passed(await send(large, { 'x-amz-content-sha256': digest }));
      expect(headerOf(request, 'x-amz-content-sha256')).toEqual([digest]);
      expect(headerOf(request, 'x-onestep-authorization')?.[0]).toMatch(/^Bearer os_live_/);
      expect(request.body?.action).toBe('read-only');
    });

    it.each([
      ['without a digest', {}, '/v1/images/verify', '413'],
      [
        'with nonsense for one',
        { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
        '/v1/images/verify',
        '413',
      ],
      [
        'as another type',
        { 'content-type': 'text/plain', 'x-amz-content-sha256': digestOf(large) },
        '/v1/images/verify',
        '413',
      ],
      ['elsewhere', { 'x-amz-content-sha256': digestOf(large) }, '/v1/predictions', '413'],
      [
        'without a key',
        { authorization: '', 'x-amz-content-sha256': digestOf(large) },
        '/v1/images/verify',
        '401',
      ],
    ])('is refused %s', async (_, headers, path, status) => {
      expect(answered(await send(large, headers as Record<string, string>, path)).status).toBe(
        status,
      );
    });

    it('is told what it needs', async () => {
      expect(JSON.parse(answered(await send(large)).body).detail).toContain(
        'needs its SHA-256 in the header x-amz-content-sha256',
      );
    });
  });

  it('answers 400 itself to a header that no Request can carry: the API could not read it either', async () => {
    const headers = { authorization: `Bearer ${mint(SECRET)}`, 'x-note': '\u65e5\u672c' };
    const answer = answered(await edge()(order(headers)));
    expect(answer.status).toBe('400');
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'invalid_request' } });
  });

  it('goes by the body that it got, not by the length that was announced', async () => {
    const headers = { authorization: `Bearer ${mint(SECRET)}`, 'content-length': '5' };
    const event = order(headers, Buffer.alloc(2_000_000, 32));
    expect(answered(await edge()(event)).status).toBe('413');
  });

  it('takes old and new keys while the secret is rotated', async () => {
    const next = 'ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxwvutsrqpo';
    const rotated = JSON.stringify({ current: 1, keys: { 0: SECRET, 1: next } });
    let secret = SECRET;
    const handle = edge({}, async () => secret);
    const old = order({ authorization: `Bearer ${mint(SECRET)}` });
    const young = order({ authorization: `Bearer ${mint(rotated)}` });
    expect(answered(await handle(young)).status).toBe('401');
    secret = rotated;
    passed(await handle(young));
    passed(await handle(old));
  });

  it('answers 503 itself while the secret cannot be read, and serves as soon as it can', async () => {
    let isDown = true;
    const errors: unknown[] = [];
    const readSecret = async () => {
      if (isDown) throw new Error('no way to the secret');
      return SECRET;
    };
    const handle = edge({}, readSecret, (error) => errors.push(error));
    const event = order({ authorization: `Bearer ${mint(SECRET)}` });
    const answer = answered(await handle(event));
    expect(answer.status).toBe('503');
    expect(answer.headers['retry-after']?.[0]?.value).toBe('1');
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'unavailable' } });
    expect(answer.headers['access-control-allow-origin']?.[0]?.value).toBe('*');
    expect(errors).toHaveLength(1);
    isDown = false;
    passed(await handle(event));
  });

  it('goes on with the keys that it has when the secret is overwritten with nonsense', async () => {
    let secret = SECRET;
    const errors: unknown[] = [];
    const handle = edge(
      {},
      async () => secret,
      (error) => errors.push(error),
    );
    const event = order({ authorization: `Bearer ${mint(SECRET)}` });
    passed(await handle(event));
    secret = '{"current":7}';
    passed(await handle(event));
    expect(String(errors[0])).toMatch(/another form/);
  });

  it('names every fault of its settings at once', () => {
    expect(() => loadEdgeConfig({ MAX_BODY_BYTES: 'many' })).toThrow(
      /MAC_SECRET_ARN.*MAC_SECRET_REGION.*MAX_BODY_BYTES/,
    );
  });
});
