import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
let url: string;
let size: number;
beforeAll(async () => {
  api = await createApiHarness();
  const json = { input: { prompt: 'a bird' } };
  const made = await api.send('/v1/predictions', { json, headers: { prefer: 'wait=10' } });
  url = (await made.json()).output[0];
  size = (await (await get()).arrayBuffer()).byteLength;
});
afterAll(() => api.close());

/** Without a key and without an `Origin`, as a browser loads a picture into a page. */
const get = (headers: Record<string, string> = {}, method = 'GET') =>
  api.send(url, { key: null, headers, method });

async function validators() {
  const { headers } = await get();
  return { etag: String(headers.get('etag')), date: String(headers.get('last-modified')) };
}
const dayBefore = (date: string) => new Date(Date.parse(date) - 86_400_000).toUTCString();

describe('a picture that a client has', () => {
  it('is not sent again, by its tag or its date', async () => {
    const { etag, date } = await validators();
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const headers of [
      { 'if-none-match': etag },
      { 'if-none-match': `"other", W/${etag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': date },
      { 'if-none-match': etag, 'if-modified-since': dayBefore(date) },
      { 'if-none-match': etag, range: 'bytes=0-3' },
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await get(headers, method);
        expect([answer.status, await answer.text()]).toEqual([304, '']);
        expect(answer.headers.get('etag')).toBe(etag);
        expect(answer.headers.get('cache-control')).toMatch(/^private, max-age=\d+$/);
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      }
    }
  });

  it('is sent where it is another one', async () => {
    const { date } = await validators();
    for (const headers of [
      { 'if-none-match': '"other"' },
      { 'if-none-match': '"other"', 'if-modified-since': date },
      { 'if-modified-since': dayBefore(date) },
      { 'if-modified-since': 'yesterday' },
    ]) {
      expect((await get(headers)).status).toBe(200);
    }
  });

  it('has a new tag once its bytes are others', async () => {
    const before = await validators();
    const [, key = ''] = /\/files\/([^?]+)/.exec(url) ?? [];
    const bytes = await api.blobs.get(key);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await api.blobs.put(key, bytes ?? new Uint8Array(), 'image/png');
    expect((await validators()).etag).not.toBe(before.etag);
  });
});

describe('a part of a picture', () => {
  it('goes on where the client’s part is of the same bytes, and else begins anew', async () => {
    const { etag, date } = await validators();
    const statusWith = async (held: string) =>
      (await get({ range: 'bytes=1-3', 'if-range': held })).status;
    expect(await statusWith(etag)).toBe(206);
    expect(await statusWith(date)).toBe(206);
    for (const held of ['"other"', `W/${etag}`, dayBefore(date), 'yesterday']) {
      expect(await statusWith(held)).toBe(200);
    }
  });

  it('behind its end is refused with its length, which every page may read', async () => {
    const answer = await get({ range: `bytes=${size}-` });
    expect(answer.status).toBe(416);
    expect(answer.headers.get('content-range')).toBe(`bytes */${size}`);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toContain('content-range');
  });
});
