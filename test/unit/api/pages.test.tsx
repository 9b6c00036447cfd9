import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameAssets } from '#functions/api/pages/assets.ts';
import { registerPages } from '#functions/api/pages/pages.tsx';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness({
    extras: [
      (app, { keyService, catalog, pricing, settings }) =>
        registerPages(app, {
          assets: async () => nameAssets('script', 'style'),
          keyService,
          catalog,
          pricing,
          imageOrigins: [],
          operatorAccount: settings.operatorAccount,
        }),
    ],
  });
});
afterAll(() => api.close());

const visit = (path: string, accept = 'text/html,*/*', key: string | null = null) =>
  api.send(path, { key, headers: { accept } });

describe('addresses that lead nowhere', () => {
  test('are a page for people, whose links work at any depth', async () => {
    for (const [path, root] of [
      ['/no-such', '.'],
      ['/no/such/page', '../..'],
    ] as const) {
      const answer = await visit(path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      const page = await answer.text();
      expect(page).toContain('Page not found');
      expect(page).toContain(`href="${root}/docs"`);
      expect(page).toMatch(new RegExp(`href="${root.replaceAll('.', '\\.')}/assets/[^"]+\\.css"`));
    }
  });

  test('are the API’s error for programs, and below the API for everybody', async () => {
    for (const [path, accept] of [
      ['/no-such', '*/*'],
      ['/assets/no-such.js', '*/*'],
      ['/v1/no-such', 'text/html'],
    ] as const) {
      const answer = await visit(path, accept, api.keys.key);
      expect(answer.status).toBe(404);
      expect((await answer.json()).error.code).toBe('not_found');
    }
  });
});

test('pages tell link previews what they are, with a picture that is there', async () => {
  const page = await (await visit('/sign-in')).text();
  expect(page).toMatch(/<meta name="description" content="[^"]{50,}"/);
  const [, image = ''] = /property="og:image" content="([^"]+)"/.exec(page) ?? [];
  expect(image).toMatch(/^http/);
  const picture = await api.send(image, { key: null });
  expect(picture.headers.get('content-type')).toBe('image/jpeg');
});

test('the page knows whoever runs the service', async () => {
  const [admin, other] = await Promise.all(
    [api.keys.adminKey, api.keys.key].map(async (key) => (await visit('/', '*/*', key)).text()),
  );
  expect(admin).toContain('"operator":true');
  expect(other).toContain('"operator":false');
});

describe('a visit from another site, which the session’s cookie stays away from', () => {
  const from = (site: string, dest = 'document') =>
    api.send('/credits?paid=1', {
      key: null,
      headers: { accept: 'text/html', 'sec-fetch-site': site, 'sec-fetch-dest': dest },
    });

  test.each(['cross-site', 'same-site'])(
    '%s: the page is visited again from here',
    async (site) => {
      const answer = await from(site);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('<meta http-equiv="refresh" content="0">');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each([
    ['same-origin', 'document'],
    ['none', 'document'],
    ['cross-site', 'iframe'],
  ])('%s, %s: has to sign in', async (site, dest) => {
    const answer = await from(site, dest);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('./sign-in?to=%2Fcredits');
  });
});
