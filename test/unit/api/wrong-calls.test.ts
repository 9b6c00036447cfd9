import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

const NOT_TEXT = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe]);

async function refusal(path: string, init: Parameters<ApiHarness['send']>[1]) {
  const answer = await api.send(path, init);
  return { status: answer.status, message: (await answer.json()).error.message as string };
}

describe('a call that goes to the wrong place', () => {
  it.each([
    ['/v1/images/edits', /prompts alone.*\/v1\/images\/generations/],
    ['/v1/images/variations', /prompts alone/],
    ['/v1/chat/completions', /no language model/],
    ['/v1/uploads', /There is nothing at/],
  ])('is told what there is instead of %s, whatever it uploads', async (path, message) => {
    const body = new FormData();
    body.set('image', new Blob([NOT_TEXT]), 'a.png');
    expect(await refusal(path, { body })).toEqual({
      status: 404,
      message: expect.stringMatching(message),
    });
  });

  it.each(['/images/generations', '/models', '/predictions'])('misses /v1 at %s', async (path) => {
    const { status, message } = await refusal(path, {});
    expect([status, message]).toEqual([404, expect.stringContaining('Add /v1 to the base URL')]);
  });

  it('with a body that is no text is told so where text is read', async () => {
    const headers = { 'content-type': 'application/json' };
    expect(await refusal('/v1/predictions', { body: NOT_TEXT, headers })).toEqual({
      status: 400,
      message: expect.stringContaining('UTF-8'),
    });
  });
});

describe('an input as clients write it', () => {
  const make = async (input: object) => {
    const json = { version: 'onestep/test', input: { prompt: 'a', ...input } };
    const answer = await api.send('/v1/predictions', { json, headers: { prefer: 'wait=10' } });
    return answer.json();
  };

  it('may have null for everything that is left out', async () => {
    const names = [
      'seed',
      'width',
      'height',
      'size',
      'aspect_ratio',
      'num_outputs',
      'output_format',
    ];
    const nulls = Object.fromEntries(names.map((name) => [name, null]));
    expect(await make(nulls)).toMatchObject({ status: 'succeeded' });
  });

  it('may name a scope twice, which the key has once', async () => {
    const json = { scopes: ['read', 'predict', 'read'] };
    const made = await api.send('/v1/keys', { json, key: api.keys.adminKey });
    expect((await made.json()).scopes).toEqual(['read', 'predict']);
  });

  it('draws a seed for -1, and says which', async () => {
    const seeds = [await make({ seed: -1 }), await make({ seed: -1 })].map(({ seed }) => seed);
    for (const seed of seeds) expect(seed).toBeGreaterThanOrEqual(0);
    expect(seeds[0]).not.toBe(seeds[1]);
    expect(
      await refusal('/v1/predictions', {
        json: { version: 'onestep/test', input: { prompt: 'a', seed: -2 } },
      }),
    ).toMatchObject({ status: 422 });
  });

  it('may call jpeg jpg', async () => {
    const { output } = await make({ output_format: 'jpg' });
    expect(output[0]).toContain('.jpeg');
  });
});

describe('what is wrong is said in words', () => {
  it.each([
    [{}, 'prompt: is missing'],
    [{ prompt: 7 }, 'prompt: must be a string'],
    [{ prompt: '' }, 'prompt: must not be empty'],
    [{ prompt: 'x', width: 'wide' }, 'width: must be a number'],
    [{ prompt: 'x', width: 64.5 }, 'width: must be a whole number'],
    [{ prompt: 'x', width: 100 }, 'width: must be a multiple of 8'],
    [{ prompt: 'x', num_outputs: 99 }, 'num_outputs: must be at most 4'],
    [{ prompt: 'x', guidance_scale: 7 }, 'guidance_scale: must be one of 0, 1'],
    [{ prompt: 'x', output_format: 'gif' }, 'output_format: must be one of "png", "jpeg", "webp"'],
    [
      { prompt: 'x', num_output: 2 },
      'num_output: is not a known name. Did you mean "num_outputs"?',
    ],
    [{ prompt: 'x', colour: 2 }, 'colour: is not a known name'],
  ])('of an input: %j', async (input, message) => {
    const json = { version: 'onestep/test', input };
    expect(await refusal('/v1/predictions', { json })).toEqual({
      status: 422,
      message: expect.stringContaining(`input.${message}`),
    });
  });

  it.each([
    ['/v1/predictions', {}, 'input: is missing'],
    ['/v1/predictions', { input: 'a mill' }, 'input: must be an object'],
    ['/v1/predictions', [], 'body: must be an object'],
    ['/v1/images/generations', { prompt: ['a'] }, 'prompt: must be a string'],
    ['/v1/keys', { scopes: ['all'] }, 'scopes.0: must be one of'],
    ['/fal/onestep/test', { prompt: 'a', image_size: 'huge' }, 'image_size: has a form'],
    ['/sdapi/v1/txt2img', { prompt: 'a', seed: 1.5 }, 'seed: must be a whole number'],
  ])('of a body: %s %j', async (path, json, message) => {
    const { status, message: said } = await refusal(path, { json, key: api.keys.adminKey });
    expect([status, said]).toEqual([422, expect.stringContaining(message)]);
    expect(said).not.toMatch(/expected|received|invalid/i);
  });

  it.each([
    '/v1/predictions?create_after=2026-01-01',
    '/v1/ledger?form=2026-01-01',
    '/v1/usage?gruop=day',
    '/v1/webhooks/deliveries?limits=3',
  ])('of a list: %s', async (path) => {
    const { status, message } = await refusal(path, { key: api.keys.adminKey });
    expect([status, message]).toEqual([400, expect.stringMatching(/^\w+: is not a known name/)]);
  });
});

it('a refusal of fal’s routes is what its client reads, key or no key', async () => {
  for (const init of [{ key: null }, { key: 'os_live_nobody' }, { json: {} }]) {
    const answer = await api.send('/fal/onestep/test', { method: 'POST', ...init });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get('content-type')).toBe('application/json');
  }
});

it('usage by a tag that nobody set is empty, whatever its name', async () => {
  await api.send('/v1/images/generations', { json: { prompt: 'a', model: 'onestep/test' } });
  const answer = await api.send('/v1/usage?by=tag:toString,tag:constructor');
  expect(answer.status).toBe(200);
  const groups = (await answer.json()).rows.map(({ group }: { group: unknown }) => group);
  expect(groups).toEqual([{ 'tag:toString': '', 'tag:constructor': '' }]);
});

it('the database is for its owner alone', () => {
  expect(statSync(join(api.folder, 'onestep.sqlite')).mode & 0o777).toBe(0o600);
});
