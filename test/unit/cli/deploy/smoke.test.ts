import { describe, expect, it } from 'vitest';
import { createHttpClient } from '#functions/cli/client/http-client.ts';
import { type SmokeInput, smoke } from '#functions/cli/deploy/smoke.ts';

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);

/** A deployment in a few lines: each order takes two polls and costs 4000. */
function deployment(faults: { directStatus?: number; charge?: number; keyless?: number } = {}) {
  let balance = 100_000;
  let polls = 0;
  let orders = 0;
  const json = (body: unknown, status = 200) => Response.json(body, { status });
  const answer = async (url: string, init?: RequestInit): Promise<Response> => {
    const { pathname, hostname } = new URL(url);
    const key = new Headers(init?.headers).get('authorization');
    if (hostname === 'direct.example')
      return new Response('', { status: faults.directStatus ?? 403 });
    if (pathname === '/healthz') return new Response('ok');
    if (pathname.endsWith('.png')) return new Response(PNG);
    if (key !== 'Bearer os_live_key') return json({}, faults.keyless ?? 401);
    if (pathname === '/v1/account') return json({ balance });
    if (init?.method === 'POST') {
      orders++;
      polls = 0;
      return json(
        { id: `p${orders}`, status: 'starting', output: null, error: null, cost: null },
        201,
      );
    }
    if (pathname.endsWith('/webhooks')) return json({ results: [{ status: 'delivered' }] });
    if (++polls < 2) return json({ id: `p${orders}`, status: 'processing', error: null });
    balance -= faults.charge ?? 4_000;
    return json({
      id: `p${orders}`,
      status: 'succeeded',
      output: ['https://images.example/0.png'],
      error: null,
      cost: 4_000,
    });
  };
  return ((url: string, init?: RequestInit) => answer(url, init)) as typeof fetch;
}

const INPUT: SmokeInput = {
  functionUrl: 'https://direct.example',
  webhookUrl: 'https://hooks.example',
  timeoutMs: 60_000,
};

const client = (send: typeof fetch, key = 'os_live_key') =>
  createHttpClient('https://api.example', key, send);

async function failures(send: typeof fetch, input = INPUT, key?: string) {
  let now = 0;
  const deps = {
    client: client(send, key),
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
    say: () => undefined,
  };
  const checks = await smoke(deps, input);
  return { checks, failed: checks.filter(({ ok }) => !ok).map(({ check }) => check) };
}

describe('smoke', () => {
  it('tries doors, key, two images, charge and webhook', async () => {
    const { checks, failed } = await failures(deployment());
    expect(failed).toEqual([]);
    expect(checks.map(({ check }) => check)).toEqual([
      'health',
      'no key',
      'past CloudFront',
      'API key',
      'first image',
      'second image',
      'usage',
      'webhook',
    ]);
  });

  it.each([
    ['past CloudFront', deployment({ directStatus: 200 })],
    ['no key', deployment({ keyless: 404 })],
    ['usage', deployment({ charge: 5_000 })],
  ])('fails at: %s', async (check, send) => {
    expect((await failures(send)).failed).toEqual([check]);
  });

  it('stops when the key is not taken', async () => {
    const { failed } = await failures(deployment(), INPUT, 'other');
    expect(failed).toEqual(['API key']);
  });

  it('gives up on an endpoint that does not wake', async () => {
    const { checks } = await failures(deployment(), { ...INPUT, timeoutMs: 1 });
    expect(checks.find(({ check }) => check === 'first image')?.says).toContain('timed out');
  });
});

describe('smoke at a deployment that cannot be reached', () => {
  it('says who and why, in one sentence', async () => {
    const down = (async () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    }) as typeof fetch;
    const run = smoke({ client: client(down), now: () => 0, say: () => {} }, INPUT);
    await expect(run).rejects.toMatchObject({
      code: 'unavailable',
      message: 'https://api.example cannot be reached: connect ECONNREFUSED.',
    });
  });

  it('looks again when a connection breaks while it waits for an image', async () => {
    const send = deployment();
    let broken = 0;
    const flaky = (async (url: string, init?: RequestInit) => {
      if (/predictions\/p\d$/.test(url) && broken++ === 0) throw new TypeError('fetch failed');
      return send(url, init);
    }) as typeof fetch;
    const checks = await smoke(
      { client: client(flaky), now: () => 0, sleep: async () => {}, say: () => {} },
      INPUT,
    );
    expect(broken).toBeGreaterThan(1);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
