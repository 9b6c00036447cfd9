import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterEach(async () => {
  api.gpu.behaviour = 'make';
  for (const request of [...api.gpu.held.values()]) await api.gpu.finish(request);
});
afterAll(() => api.close());

const basic = (user: string, key = api.keys.key) =>
  `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`;
const draw = (json: object) =>
  api.send('/sdapi/v1/txt2img', {
    json: { prompt: 'a mill', ...json },
    headers: { authorization: basic('anyone') },
  });
const infoOf = async (answer: Awaited<ReturnType<typeof draw>>) =>
  JSON.parse((await answer.json()).info);
const progress = async () => (await api.send('/sdapi/v1/progress')).json();

describe('txt2img', () => {
  it('draws with a seed of the caller, and says which it drew for -1', async () => {
    expect(await infoOf(await draw({ seed: 7, batch_size: 2, n_iter: 2 }))).toMatchObject({
      seed: 7,
      all_seeds: [7, 8, 9, 10],
      cost_micro_usd: 16_000,
    });
    expect((await infoOf(await draw({ seed: -1 }))).seed).toBeGreaterThanOrEqual(0);
  });

  it('tells what has no effect, and which size came instead of the one asked for', async () => {
    const { warnings, width, height } = await infoOf(
      await draw({ width: 1024, height: 576, steps: 20, cfg_scale: 7, negative_prompt: 'ugly' }),
    );
    expect(warnings).toEqual([
      expect.stringContaining(`no 1024x576 images: these are ${width}x${height}`),
      expect.stringContaining('negative_prompt'),
      expect.stringContaining('steps'),
      expect.stringContaining('cfg_scale'),
    ]);
    expect(
      (await infoOf(await draw({ steps: 1, cfg_scale: 1, negative_prompt: '' }))).warnings,
    ).toEqual([]);
  });

  it('draws as another format, and without pictures in the answer', async () => {
    const { images } = await (await draw({ override_settings: { samples_format: 'jpg' } })).json();
    expect(Buffer.from(images[0], 'base64').toString()).toContain('jpeg a mill');
    expect((await (await draw({ send_images: false })).json()).images).toEqual([]);
  });

  it.each([
    [{ batch_size: 3, n_iter: 2 }, 'batch_size'],
    [{ prompt: '' }, 'prompt'],
    [
      { override_settings: { sd_model_checkpoint: 'v1-5-pruned' } },
      'override_settings.sd_model_checkpoint',
    ],
  ])('refuses %j before anything is charged', async (json, param) => {
    const before = await (await api.send('/v1/account')).json();
    const answer = await draw(json);
    expect([answer.status, (await answer.json()).error.param]).toEqual([422, param]);
    expect((await (await api.send('/v1/account')).json()).balance).toEqual(before.balance);
  });
});

describe('progress and interrupt', () => {
  it('are of this key’s own orders', async () => {
    api.gpu.behaviour = 'hold';
    const drawing = draw({ prompt: 'a slow mill' });
    await expect.poll(async () => (await progress()).state.job_count).toBe(1);
    expect((await progress()).progress).toBeGreaterThan(0);

    const other = { key: api.keys.adminKey };
    const theirs = await (await api.send('/sdapi/v1/progress', other)).json();
    expect(theirs.state.job_count).toBe(0);
    const refused = await api.send('/sdapi/v1/interrupt', { ...other, method: 'POST' });
    expect(refused.status).toBe(200);
    expect((await progress()).state.job_count).toBe(1);

    const answer = await api.send('/sdapi/v1/interrupt', { method: 'POST' });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect((await drawing).status).toBe(499);
    expect(await progress()).toMatchObject({ progress: 0, state: { job_count: 0 } });
  });
});

describe('who calls', () => {
  const options = (authorization: string) =>
    api.send('/sdapi/v1/options', { headers: { authorization } });

  it('may have the key as the password or as the user name', async () => {
    const alone = `Basic ${Buffer.from(api.keys.key).toString('base64')}`;
    for (const header of [basic('anyone'), basic(''), basic(api.keys.key, ''), alone]) {
      expect((await options(header)).status).toBe(200);
    }
    expect((await options(basic('anyone', `${api.keys.key.slice(0, -1)}!`))).status).toBe(401);
  });

  it.each([
    ['/v1/account', () => basic('anyone'), /Basic authentication is for/],
    ['/v1/account', () => api.keys.key, /no scheme/],
    ['/v1/account', () => 'Digest x', /no API key in a form/],
    ['/sdapi/v1/options', () => api.keys.key, /no scheme/],
  ])('is told what is wrong with the header at %s', async (path, header, message) => {
    const answer = await api.send(path, { headers: { authorization: header() } });
    expect([answer.status, (await answer.json()).detail]).toEqual([
      401,
      expect.stringMatching(message),
    ]);
  });
});

describe('of several models', () => {
  const SECOND = { ...TEST_MODEL, name: 'onestep/second', digest: 'cd'.repeat(32) };
  let two: ApiHarness;
  beforeAll(async () => {
    two = await createApiHarness({ others: [SECOND], aliases: { 'gpt-image-1': SECOND.name } });
  });
  afterAll(() => two.close());

  const as = (user: string) => ({ headers: { authorization: basic(user, two.keys.key) } });
  const modelOf = async (user: string, more: object = {}) => {
    const json = { prompt: 'a mill', ...more };
    const answer = await two.send('/sdapi/v1/txt2img', { json, ...as(user) });
    return JSON.parse((await answer.json()).info).sd_model_name;
  };

  it('the order names one, or the user name does, or it is the first', async () => {
    expect(await modelOf('anyone')).toBe(TEST_MODEL.name);
    expect(await modelOf(SECOND.name)).toBe(SECOND.name);
    expect(await modelOf('gpt-image-1')).toBe(SECOND.name);
    const override_settings = { sd_model_checkpoint: SECOND.name };
    expect(await modelOf(TEST_MODEL.name, { override_settings })).toBe(SECOND.name);
    const options = await (await two.send('/sdapi/v1/options', as(SECOND.name))).json();
    expect(options.sd_model_checkpoint).toBe(SECOND.name);
  });

  it('another than the one in use is refused as an option: none are kept', async () => {
    const set = async (sd_model_checkpoint: string, user: string) => {
      const json = { sd_model_checkpoint, CLIP_stop_at_last_layers: 2 };
      return (await two.send('/sdapi/v1/options', { json, ...as(user) })).status;
    };
    expect(await set(TEST_MODEL.name, 'anyone')).toBe(200);
    expect(await set(SECOND.name, 'anyone')).toBe(422);
    expect(await set(SECOND.name, SECOND.name)).toBe(200);
    expect(await set('sd-1.5', 'anyone')).toBe(422);
  });
});
