import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const data = temporaryFolder();
let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ data });
});
afterAll(async () => {
  await server.end('SIGTERM');
  removeFolder(data);
});

const see = (path: string, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { redirect: 'manual', headers });

async function newLink(): Promise<string> {
  const answer = await server.send('/session', { method: 'POST', admin: true });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { path: string }).path;
}

async function cookieOf(link: string): Promise<string> {
  const answer = await see(link);
  expect(answer.status).toBe(303);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** The answer to bytes as they are, as a proxy of its own making may send them. */
async function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.end(request);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

describe('a visitor without a key', () => {
  it.each(['/', '/keys', '/usage'])('is not signed in by %s, wherever from', async (path) => {
    for (const headers of [{}, { 'x-forwarded-for': '203.0.113.9' }, { via: '1.1 proxy' }]) {
      const answer = await see(path, headers);
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toMatch(/^\.\/sign-in/);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
  });

  it.each([
    'GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    'GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ])('nor by %j', async (request) => {
    const answer = await raw(request);
    expect(answer).toMatch(/^HTTP\/1\.1 (303|400)/);
    expect(answer).not.toMatch(/set-cookie|\/session\//i);
  });
});

describe('a link', () => {
  it('is made for an admin key alone, and not for its session', async () => {
    const plain = await server.send('/session', { method: 'POST' });
    expect(plain.status).toBe(403);
    const cookie = await cookieOf(await newLink());
    const session = await fetch(`${server.url}/session`, {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'same-origin' },
    });
    expect(session.status).toBe(403);
  });

  it('signs in once', async () => {
    const link = await newLink();
    const cookie = await cookieOf(link);
    expect((await see('/keys', { cookie })).status).toBe(200);
    expect(await cookieOf(link)).toBe('');
  });

  it('gives a session that lives through a restart', async () => {
    const cookie = await cookieOf(await newLink());
    await server.end('SIGTERM');
    server = await startServer({ data });
    expect((await see('/keys', { cookie })).status).toBe(200);
  });
});

describe('the form', () => {
  const post = (headers: Record<string, string>, body: string | URLSearchParams) =>
    fetch(`${server.url}/sign-in`, { method: 'POST', redirect: 'manual', headers, body });

  it('is not taken from the page of another site', async () => {
    const form = () => new URLSearchParams({ key: server.key });
    for (const site of ['cross-site', 'same-site']) {
      expect((await post({ 'sec-fetch-site': site }, form())).status).toBe(403);
    }
    expect((await post({ 'sec-fetch-site': 'same-origin' }, form())).status).toBe(303);
    expect((await post({}, form())).status).toBe(303);
  });

  it('nor where the browser names no site but the page’s origin, as over plain HTTP', async () => {
    const form = () => new URLSearchParams({ key: server.key });
    const { host } = new URL(server.url);
    for (const origin of ['http://elsewhere.example', `http://${host}0`, 'null']) {
      const answer = await post({ origin }, form());
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
    }
    expect((await post({ origin: server.url }, form())).status).toBe(303);
    const proxy = { 'x-forwarded-host': 'images.example', 'x-forwarded-proto': 'http' };
    const behind = await post({ origin: 'http://images.example', ...proxy }, form());
    expect(behind.status).toBe(303);
  });

  it('that signs out is not taken from another site either', async () => {
    const signOut = (headers: Record<string, string>) =>
      fetch(`${server.url}/sign-out`, { method: 'POST', redirect: 'manual', headers });
    for (const [name, value] of [
      ['sec-fetch-site', 'cross-site'],
      ['origin', 'http://elsewhere.example'],
    ] as const) {
      const answer = await signOut({ [name]: value });
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
    }
    expect((await signOut({ origin: server.url })).headers.get('set-cookie')).toMatch(/Max-Age=0/);
  });

  it('that can’t be read is refused as such', async () => {
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    expect((await post(type, 'garbage')).status).toBe(400);
  });

  it('gives a cookie that a frame without an origin can’t use', async () => {
    const cookie = await cookieOf(await newLink());
    const call = (headers: Record<string, string>) =>
      fetch(`${server.url}/v1/account`, { headers: { cookie, ...headers } });
    expect((await call({})).status).toBe(200);
    expect((await call({ origin: 'null' })).status).toBe(401);
    expect((await call({ origin: 'https://elsewhere.example' })).status).toBe(401);
  });
});
