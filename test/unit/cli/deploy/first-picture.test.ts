import { describe, expect, it } from 'vitest';
import { createHttpClient } from '#functions/cli/client/http-client.ts';
import { firstPicture } from '#functions/cli/deploy/first-picture.ts';

const MINUTE = 60_000;
const PICTURE = 'https://bucket.example/picture.png';

type Answer = { readonly status?: number; readonly body: object } | Error;
const prediction = (status: string, more = {}): Answer => ({
  body: { id: 'one', status, output: null, ...more },
});

/** A service that gives its answers in turn, and the last one for good; time passes by sleeping alone. */
function setUp(answers: readonly Answer[]) {
  let time = 0;
  const left = [...answers];
  const seen: { readonly path: string; readonly idempotencyKey: string | null }[] = [];
  const said: string[] = [];
  const client = createHttpClient('https://service.example', 'key', (url, init) => {
    if (url === PICTURE) return new Response('pixels');
    const idempotencyKey = new Headers(init.headers).get('idempotency-key');
    seen.push({ path: new URL(url).pathname, idempotencyKey });
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer === undefined || answer instanceof Error) throw answer;
    return Response.json(answer.body, { status: answer.status ?? 200 });
  });
  const deps = {
    client,
    model: 'onestep/demo',
    now: () => time,
    say: (line: string) => void said.push(line),
    sleep: async (ms: number) => {
      time += ms;
    },
  };
  return { make: () => firstPicture(deps, 20 * MINUTE), seen, said, time: () => time };
}

describe('the first picture', () => {
  it('is waited for through a cold start, and says what the service is at', async () => {
    const { make, said } = setUp([
      prediction('starting', { phase: 'provisioning', eta_seconds: 300 }),
      prediction('starting', { phase: 'provisioning', eta_seconds: 200 }),
      prediction('processing', { phase: 'running' }),
      prediction('succeeded', { output: [PICTURE] }),
    ]);
    expect(new TextDecoder().decode(await make())).toBe('pixels');
    expect(said).toEqual(['   provisioning, about 300 s', '   running']);
  });

  it('is ordered once, however often a new service fails to answer', async () => {
    const { make, said, seen } = setUp([
      new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') }),
      { status: 502, body: {} },
      { status: 502, body: {} },
      prediction('succeeded', { output: [PICTURE] }),
    ]);
    await make();
    expect(new Set(seen.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(seen[0]?.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
    expect(said).toEqual([
      '   not yet: https://service.example cannot be reached: getaddrinfo ENOTFOUND.',
      '   not yet: https://service.example answered with 502.',
    ]);
  });

  it('is given up after minutes without an answer, and at once where the answer is no', async () => {
    const dead = setUp([{ status: 502, body: {} }]);
    await expect(dead.make()).rejects.toMatchObject({ code: 'unavailable' });
    expect(dead.time()).toBe(5 * MINUTE);
    const refusal = { detail: 'No credit.', error: { code: 'insufficient_funds' } };
    const poor = setUp([{ status: 402, body: refusal }]);
    await expect(poor.make()).rejects.toThrow('No credit.');
    expect(poor.time()).toBe(0);
  });

  it('that failed or never came says which prediction it was', async () => {
    const failed = setUp([prediction('failed', { error: 'out of memory' })]);
    await expect(failed.make()).rejects.toThrow('The picture one failed: out of memory.');
    const late = setUp([prediction('starting', { phase: 'provisioning' })]);
    await expect(late.make()).rejects.toThrow(/No picture came within 20 minutes.*one/);
  });
});
