import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

async function typeFor(accept: string, more: object = {}) {
  const json = { prompt: 'a bird', ...more };
  const { status, headers } = await api.send('/v1/images', { json, headers: { accept } });
  return status === 200 ? headers.get('content-type') : status;
}

describe('the type of a picture', () => {
  it.each([
    ['*/*', 'image/png'],
    ['image/*', 'image/png'],
    ['', 'image/png'],
    ['image/webp', 'image/webp'],
    ['IMAGE/WEBP', 'image/webp'],
    // What Chromium sends for a picture of a page, and what a client sends that prefers small ones.
    ['image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8', 'image/webp'],
    ['image/avif,image/webp;q=0.8,image/png;q=0.1', 'image/webp'],
    ['image/png;q=0.2, image/jpeg;q=0.9', 'image/jpeg'],
    ['image/webp;q=0.5, */*', 'image/png'],
    ['image/png;q=0, */*;q=0.1', 'image/jpeg'],
    ['image/png;q=0', 406],
    ['image/gif', 406],
    ['text/html', 406],
  ])('is what weighs most in %j', async (accept, type) => {
    expect(await typeFor(accept)).toBe(type);
  });

  it('is the one that the body names, where it is taken at all', async () => {
    const named = { output_format: 'png' };
    expect(await typeFor('image/webp, image/png;q=0.1', named)).toBe('image/png');
    expect(await typeFor('image/*;q=0.1', named)).toBe('image/png');
    expect(await typeFor('image/webp', named)).toBe(406);
    expect(await typeFor('image/png;q=0, */*', named)).toBe(406);
    expect(await typeFor('*/*', { output_format: 'gif' })).toBe(422);
  });
});
