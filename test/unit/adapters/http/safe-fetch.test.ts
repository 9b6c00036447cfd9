import { EventEmitter } from 'node:events';
import http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createSafeFetch, type SafeFetchOptions } from '#shared/adapters/http/safe-fetch.ts';

const POST = { method: 'POST', headers: { 'x-test': '1' }, body: '{"a":1}' } as const;
const PUBLIC = { address: '93.184.215.14', family: 4 };

/** Stands in for `https.request`: notes where the socket would go and answers 200. */
function spyRequest() {
  const connections: { host: string; addresses: unknown }[] = [];
  const request = ((url: URL, options: https.RequestOptions, onAnswer: (m: unknown) => void) => {
    options.lookup?.(url.hostname, { all: true }, (_error, addresses) => {
      connections.push({ host: url.hostname, addresses });
      const answer = Object.assign(new PassThrough(), { statusCode: 200, headers: {} });
      answer.end('ok');
      onAnswer(answer);
    });
    return Object.assign(new EventEmitter(), { end() {} });
  }) as unknown as typeof https.request;
  return { connections, request };
}

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

const local = (options: Partial<SafeFetchOptions> = {}) =>
  createSafeFetch({ allowLocal: true, ...options });

describe('createSafeFetch: where it connects', () => {
  it.each([
    ['127.0.0.1', 4],
    ['10.1.2.3', 4],
    ['169.254.169.254', 4],
    ['::1', 6],
    ['::ffff:169.254.169.254', 6],
    ['64:ff9b::a9fe:a9fe', 6],
    ['fd00:ec2::254', 6],
  ])('refuses a name that resolves to %s', async (address, family) => {
    const { connections, request } = spyRequest();
    const safeFetch = createSafeFetch({
      allowLocal: false,
      resolve: async () => [{ address, family }],
      request,
    });
    expect(await safeFetch('https://hooks.example.com/', POST)).toEqual({
      kind: 'failed',
      failure: 'refused-address',
    });
    expect(connections).toEqual([]);
  });

  it('refuses a name when only one of its addresses is private', async () => {
    const { connections, request } = spyRequest();
    const resolve = async () => [PUBLIC, { address: '10.0.0.1', family: 4 }];
    const safeFetch = createSafeFetch({ allowLocal: false, resolve, request });
    expect(await safeFetch('https://hooks.example.com/', POST)).toMatchObject({
      failure: 'refused-address',
    });
    expect(connections).toEqual([]);
  });

  it('connects to the vetted address though the name says another the second time', async () => {
    const { connections, request } = spyRequest();
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? [PUBLIC] : [{ address: '127.0.0.1', family: 4 }]);
    const safeFetch = createSafeFetch({ allowLocal: false, resolve, request });
    expect(await safeFetch('https://rebinding.example.com/', POST)).toMatchObject({ status: 200 });
    expect(connections).toEqual([{ host: 'rebinding.example.com', addresses: [PUBLIC] }]);
    expect(asked).toBe(1);
  });

  it.each([
    ['https://169.254.169.254/', 'refused-url'],
    ['https://2130706433/', 'refused-url'],
    ['http://example.com/', 'refused-url'],
    ['https://example.com:6379/', 'refused-url'],
  ])('refuses %s', async (url, failure) => {
    const safeFetch = createSafeFetch({ allowLocal: false, resolve: async () => [PUBLIC] });
    expect(await safeFetch(url, POST)).toEqual({ kind: 'failed', failure });
  });

  it('refuses a name under localhost that points elsewhere, even with local targets allowed', async () => {
    const resolve = async () => [{ address: '10.0.0.1', family: 4 }];
    expect(await local({ resolve })('http://a.localhost/', POST)).toMatchObject({
      failure: 'refused-address',
    });
  });

  it('says so when a name does not exist', async () => {
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    const safeFetch = createSafeFetch({ allowLocal: false, resolve });
    expect(await safeFetch('https://nowhere.example.com/', POST)).toMatchObject({
      failure: 'unknown-host',
    });
  });
});

describe('createSafeFetch: what it sends and reads', () => {
  it('posts the body and reads status, headers and body of the answer', async () => {
    const url = await listen((incoming, outgoing) => {
      let body = '';
      incoming.on('data', (chunk) => {
        body += chunk;
      });
      incoming.on('end', () => {
        outgoing.writeHead(418, { 'retry-after': '7' });
        outgoing.end(`${incoming.method} ${incoming.headers['x-test']} ${body}`);
      });
    });
    const result = await local()(url, POST);
    expect(result).toMatchObject({
      kind: 'answered',
      status: 418,
      headers: { 'retry-after': '7' },
    });
    expect(result.kind === 'answered' && Buffer.from(result.body).toString()).toBe(
      'POST 1 {"a":1}',
    );
  });

  it('does not follow a redirect', async () => {
    let hits = 0;
    const url = await listen((_incoming, outgoing) => {
      hits++;
      outgoing.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await local()(url, POST)).toMatchObject({ kind: 'answered', status: 302 });
    expect(hits).toBe(1);
  });

  it('reads no more than the cap of an endless answer', async () => {
    const url = await listen((_incoming, outgoing) => {
      outgoing.on('error', () => {});
      const pump = () => {
        while (!outgoing.destroyed && outgoing.write(Buffer.alloc(16_384))) {}
        outgoing.once('drain', pump);
      };
      pump();
    });
    const result = await local({ maxAnswerBytes: 65_536 })(url, POST);
    expect(result.kind === 'answered' && result.body.length).toBe(65_536);
  });

  it.each([
    ['never answers', (_: http.ServerResponse) => {}],
    [
      'drips its body',
      (outgoing: http.ServerResponse) => {
        outgoing.write('a');
      },
    ],
  ])('gives up on a receiver that %s', async (_name, act) => {
    const url = await listen((_incoming, outgoing) => act(outgoing));
    expect(await local({ timeoutMs: 80 })(url, POST)).toEqual({
      kind: 'failed',
      failure: 'timeout',
    });
  });

  it('gives up on a name server that hangs', async () => {
    const resolve = () => new Promise<never>(() => {});
    const safeFetch = createSafeFetch({ allowLocal: false, resolve, timeoutMs: 50 });
    expect(await safeFetch('https://hooks.example.com/', POST)).toMatchObject({
      failure: 'timeout',
    });
  });

  it('says so when nobody listens', async () => {
    const url = await listen(() => {});
    for (const server of servers.splice(0)) {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await local()(url, POST)).toMatchObject({ failure: 'connection-failed' });
  });
});
