import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '#functions/cli/client/http-client.ts';

/** A web server that is no service of ours. */
const site = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end('<!doctype html><title>It works</title>');
});
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  ({ port } = site.address() as AddressInfo);
});
afterAll(() => void site.close());

describe('createHttpClient', () => {
  it.each(['', 'a\nb', 'os_live_a b', 'clé', '€'])('refuses %j as a key', (key) => {
    expect(() => createHttpClient('http://127.0.0.1:1', key)).toThrow(
      expect.objectContaining({ code: 'unauthenticated' }),
    );
  });

  it('says so where something else answers', async () => {
    const client = createHttpClient(`http://127.0.0.1:${port}`, 'key');
    await expect(client.json('/v1/account')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('is not an Onestep service'),
    });
  });

  it('names in one line what stands between', async () => {
    const client = createHttpClient(`https://127.0.0.1:${port}`, 'key');
    await expect(client.json('/v1/account')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^https:\S+ cannot be reached: [^\n]*[^\s.]\.$/),
    });
  });
});
