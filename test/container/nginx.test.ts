import Replicate from 'replicate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeFalClient } from '#test/clients/fal.ts';
import { describeMcpClient } from '#test/clients/mcp.ts';
import { describeOpenAiClient } from '#test/clients/openai.ts';
import { describeReplicateClient } from '#test/clients/replicate.ts';
import { blocksOf } from '#test/helpers/doc-blocks.ts';
import { type Nginx, startNginx } from '#test/helpers/nginx.ts';
import { type RealServer, startRealServer } from '#test/helpers/real-server.ts';

// The certificate is self-made.
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';

let server: RealServer;
let nginx: Nginx;
let root: string;
let prefixed: string;
let stock: string;

beforeAll(async () => {
  server = await startRealServer();
  // As docs/proxy.md shows them.
  const [whole = '', under = ''] = blocksOf('docs/proxy.md')
    .filter(({ language }) => language === 'nginx')
    .map(({ code }) => code.replaceAll('http://127.0.0.1:8787', server.url));
  const atRoot = /location \/ \{.*?\n {2}\}/s.exec(whole)?.[0] ?? '';
  const lines = atRoot.split('\n').slice(2, -1).join('\n');
  nginx = await startNginx([
    { tls: true, inside: atRoot },
    { tls: true, inside: under.replace('# and the lines above', lines) },
    // As its documentation shows it: HTTP/1.0, and the name of the server behind.
    { tls: false, inside: `location / { proxy_pass ${server.url}; }` },
  ]);
  const [first, second, third] = nginx.ports;
  root = `https://localhost:${first}`;
  prefixed = `https://localhost:${second}/img`;
  stock = `http://127.0.0.1:${third}`;
}, 300_000);
afterAll(async () => {
  await nginx?.stop();
  await server?.close();
});

const served = (url: () => string) => async () => ({
  url: url(),
  keys: server.keys,
  call: server.call,
  close: async () => undefined,
});
describeReplicateClient(
  'nginx, TLS, a prefix',
  served(() => prefixed),
);
describeOpenAiClient(
  'nginx, TLS, a prefix',
  served(() => prefixed),
);
describeFalClient(
  'nginx, TLS',
  served(() => root),
);
describeMcpClient(
  'nginx, TLS, a prefix',
  served(() => prefixed),
);

describe('behind nginx with TLS', () => {
  it.each([
    ['at the root', () => root],
    ['under /img/', () => prefixed],
  ])('every address in an answer is the one that clients call, %s', async (_where, url) => {
    const authorization = `Bearer ${server.keys.adminKey}`;
    const call = async (path: string, json?: object) => {
      const answer = await fetch(url() + path, {
        headers: { authorization, 'content-type': 'application/json' },
        ...(json && { method: 'POST', body: JSON.stringify(json) }),
      });
      return answer.text();
    };
    const input = { prompt: 'a red house', width: 64, height: 64 };
    const texts = [
      await call('/v1/models/onestep/demo/predictions?wait=30', { input }),
      await call('/fal/onestep/demo', input),
      await call('/v1/images/generations', { prompt: 'a boat', size: '64x64' }),
    ];
    for (const list of ['predictions', 'ledger', 'models', 'keys', 'webhooks/deliveries']) {
      texts.push(await call(`/v1/${list}?limit=1`));
    }
    const whole = texts.join('\n');
    expect(whole).not.toContain('http://');
    // Only a licence's text is elsewhere.
    const addresses = (whole.match(/https?:\/\/[^"\\]+/g) ?? []).filter(
      (address) => !address.startsWith('https://opensource.org/'),
    );
    expect(addresses.length).toBeGreaterThan(8);
    for (const address of addresses) expect(address.startsWith(`${url()}/`), address).toBe(true);
  });

  it('the stock replicate client turns pages without sending its key anywhere else', async () => {
    const called: string[] = [];
    const replicate = new Replicate({
      baseUrl: `${prefixed}/v1`,
      auth: server.keys.key,
      fetch: (input, init) => {
        called.push(String(input instanceof Request ? input.url : input));
        return fetch(input, init);
      },
    });
    let pages = 0;
    for await (const page of replicate.paginate(() => replicate.predictions.list())) {
      pages += 1;
      expect(page.length).toBeGreaterThan(0);
      if (pages === 3) break;
    }
    expect(called.filter((url) => !url.startsWith(`${prefixed}/`))).toEqual([]);
  });

  it.each(['/', '/keys', '/usage'])(
    'the page %s asks to sign in under the prefix',
    async (path) => {
      const page = await fetch(prefixed + path);
      expect(page.url).toMatch(new RegExp(`^${prefixed}/sign-in`));
      expect(await page.text()).toContain('action="./sign-in"');
    },
  );

  it('a link signs in once, with a cookie for TLS alone', async () => {
    const { path } = await server.call('POST', '/session');
    const answer = await fetch(prefixed + path, { redirect: 'manual' });
    expect(answer.headers.get('set-cookie')).toMatch(/^onestep_session=os_live_.*Secure/);
    expect(new URL(answer.headers.get('location') ?? '', answer.url).href).toBe(`${prefixed}/`);
    const again = await fetch(prefixed + path, { redirect: 'manual' });
    expect(again.headers.get('set-cookie')).toBeNull();
  });
});

describe('behind nginx as it is set up first', () => {
  it.each(['/', '/keys', '/sign-in'])('%s lets nobody in', async (path) => {
    const answer = await fetch(stock + path);
    expect(answer.url).toContain('/sign-in');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await answer.text()).not.toMatch(/\/session\/|os_live_\w/);
  });
});
