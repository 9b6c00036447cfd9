import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

const create = (input: unknown, init: Parameters<ApiHarness['send']>[1] = {}) =>
  api.send('/v1/predictions', { json: { version: 'onestep/test', input }, ...init });

const poll = async (id: string) => {
  for (;;) {
    const prediction = await (await api.send(`/v1/predictions/${id}`)).json();
    if (!['starting', 'processing'].includes(prediction.status)) return prediction;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe('creating', () => {
  test('answers 201 at once with a starting prediction, which then succeeds', async () => {
    const response = await create({ prompt: 'a red house', seed: 7 });
    expect(response.status).toBe(201);
    const created = await response.json();
    expect(created).toMatchObject({ status: 'starting', output: null, model: 'onestep/test' });
    expect(response.headers.get('location')).toBe(created.urls.get);
    const done = await poll(created.id);
    expect(done).toMatchObject({ status: 'succeeded', seed: 7, cost: 4000, error: null });
    expect(done.output).toHaveLength(1);
    expect(done.receipt.images[0]).not.toHaveProperty('key');
  });

  test('with Prefer: wait answers with the finished prediction', async () => {
    const response = await create(
      { prompt: 'x', num_outputs: 2 },
      { headers: { prefer: 'wait=10' } },
    );
    expect(response.headers.get('preference-applied')).toBe('wait=10');
    const prediction = await response.json();
    expect(prediction).toMatchObject({ status: 'succeeded', cost: 8000 });
    expect(prediction.output).toHaveLength(2);
  });

  test('a wait that is over before the job says starting, although it is processing', async () => {
    api.gpu.behaviour = 'hold';
    const response = await create({ prompt: 'slow' }, { headers: { prefer: 'wait=1' } });
    const waiting = await response.json();
    const [held] = [...api.gpu.held.values()];
    await api.services.settlement.applyStart(waiting.id, Date.now());
    expect(await (await api.send(`/v1/predictions/${waiting.id}`)).json()).toMatchObject({
      status: 'processing',
    });
    const again = await create(
      { prompt: 'slow' },
      { headers: { prefer: 'wait=1', 'x-stainless-retry-count': '1' } },
    );
    expect(await again.json()).toMatchObject({ id: waiting.id, status: 'starting', output: null });
    api.gpu.behaviour = 'make';
    if (held !== undefined) await api.gpu.finish(held);
    expect(await poll(waiting.id)).toMatchObject({ status: 'succeeded' });
  });

  test('takes the model by name, by version and by both', async () => {
    for (const version of [
      TEST_MODEL.name,
      TEST_MODEL.digest,
      `${TEST_MODEL.name}:${TEST_MODEL.digest}`,
    ]) {
      const response = await api.send('/v1/predictions', {
        json: { version, input: { prompt: 'x' } },
      });
      expect(response.status).toBe(201);
    }
    const path = '/v1/models/onestep/test/predictions';
    const response = await api.send(path, { json: { input: { prompt: 'x' } } });
    expect(response.status).toBe(201);
  });

  test('a partly failed job and a broken model cost what was delivered', async () => {
    api.gpu.behaviour = 'fail';
    const created = await (await create({ prompt: 'x' })).json();
    const failed = await poll(created.id);
    api.gpu.behaviour = 'make';
    expect(failed).toMatchObject({
      status: 'failed',
      cost: 0,
      output: null,
      error: 'the model broke',
      error_code: 'model_error',
    });
  });
});

describe('input', () => {
  const fault = async (input: unknown) => {
    const response = await create(input);
    expect(response.status).toBe(422);
    return (await response.json()).errors.map(({ path }: { path: string }) => path);
  };

  test.each([
    [{ width: 128, height: 192 }, 128, 192],
    [{ size: '192x128' }, 192, 128],
    [{ aspect_ratio: '1:1' }, 256, 256],
    [{ aspect_ratio: null, width: 320 }, 320, 256],
    [{ aspect_ratio: '16:9', size: '336x192' }, 336, 192],
    [{}, 256, 256],
  ])('%j orders %ix%i', async (size, width, height) => {
    const { id } = await (await create({ prompt: 'x', ...size })).json();
    await poll(id);
    expect(api.gpu.submitted.find(({ job }) => job === id)).toMatchObject({ width, height });
  });

  test.each([
    [{ prompt: 'x', colour: 'red', auth: 'os_live_secret' }, ['input.colour', 'input.auth']],
    [{}, ['input.prompt']],
    [{ prompt: 'x', width: 'wide', num_outputs: 99 }, ['input.width', 'input.num_outputs']],
    [{ prompt: 'x', width: 100 }, ['input.width']],
    [{ prompt: 'x', size: '64x64', width: 128 }, ['input.width']],
    [{ prompt: 'x', aspect_ratio: '1:1', size: '64x64' }, ['input.aspect_ratio']],
    [{ prompt: 'x', width: 512, height: 512 }, ['input.width']],
    [{ prompt: 'x', seed: -2 }, ['input.seed']],
    [
      { prompt: 'x', guidance_scale: 7.5, negative_prompt: 'ugly' },
      ['input.negative_prompt', 'input.guidance_scale'],
    ],
    [{ prompt: 'x', output_format: 'gif' }, ['input.output_format']],
  ])('%j names %j', async (input, paths) => {
    expect(await fault(input)).toEqual(paths);
  });

  test('an unknown member is named, and its value is in no answer', async () => {
    const response = await create({ prompt: 'x', auth: 'os_live_secret' });
    expect(await response.text()).not.toContain('os_live_secret');
  });

  test('values of a one-step model and null are taken', async () => {
    const response = await create({
      prompt: 'x',
      seed: null,
      guidance_scale: 1,
      negative_prompt: '',
      num_inference_steps: 1,
    });
    expect(response.status).toBe(201);
  });
});

describe('idempotency', () => {
  test('twenty equal orders with one key are one job and nineteen replays', async () => {
    const before = await (await api.send('/v1/account')).json();
    const responses = await Promise.all(
      Array.from({ length: 20 }, () =>
        create({ prompt: 'once' }, { headers: { 'idempotency-key': 'k-1', prefer: 'wait' } }),
      ),
    );
    const ids = new Set(await Promise.all(responses.map(async (r) => (await r.json()).id)));
    const replayed = responses.filter((r) => r.headers.get('idempotency-replayed') === 'true');
    expect(ids.size).toBe(1);
    expect(replayed).toHaveLength(19);
    const after = await (await api.send('/v1/account')).json();
    expect(before.balance - after.balance).toBe(4000);
  });

  test('another body under the key is refused', async () => {
    const response = await create({ prompt: 'twice' }, { headers: { 'idempotency-key': 'k-1' } });
    expect(response.status).toBe(422);
    expect((await response.json()).error.code).toBe('idempotency_mismatch');
  });

  test('two equal bodies without a key are two orders', async () => {
    const [a, b] = await Promise.all([create({ prompt: 'same' }), create({ prompt: 'same' })]);
    expect((await a.json()).id).not.toBe((await b.json()).id);
  });
});

describe('cancelling and erasing', () => {
  test('a running one is cancelled and costs nothing; an ended one stays as it is', async () => {
    api.gpu.behaviour = 'hold';
    const { id } = await (await create({ prompt: 'never' })).json();
    const response = await api.send(`/v1/predictions/${id}/cancel`, { method: 'POST' });
    api.gpu.behaviour = 'make';
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'canceled', cost: 0, output: null });
    const again = await api.send(`/v1/predictions/${id}/cancel`, { method: 'POST' });
    expect(again.status).toBe(200);
  });

  test('erasing leaves a tombstone and its cost', async () => {
    const { id } = await (await create({ prompt: 'secret' })).json();
    const { output } = await poll(id);
    expect((await api.send(`/v1/predictions/${id}`, { method: 'DELETE' })).status).toBe(204);
    const after = await (await api.send(`/v1/predictions/${id}`)).json();
    expect(after).toMatchObject({ data_removed: true, input: null, output: null, cost: 4000 });
    expect(JSON.stringify(after)).not.toContain('secret');
    expect((await api.send(output[0], { key: null })).status).toBe(404);
    expect((await api.send(`/v1/predictions/${id}`, { method: 'DELETE' })).status).toBe(204);
  });

  test('an open one is not erased', async () => {
    api.gpu.behaviour = 'hold';
    const { id } = await (await create({ prompt: 'open' })).json();
    const response = await api.send(`/v1/predictions/${id}`, { method: 'DELETE' });
    api.gpu.behaviour = 'make';
    expect(response.status).toBe(409);
    await api.send(`/v1/predictions/${id}/cancel`, { method: 'POST' });
  });
});

describe('listing', () => {
  test('pages forwards and backwards without a gap, with absolute links', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      made.push((await (await create({ prompt: 'p' })).json()).id);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const first = await (await api.send('/v1/predictions?limit=3')).json();
    expect(first.previous).toBeNull();
    expect(first.next).toMatch(/^http:\/\/api\.test\/v1\/predictions\?cursor=/);
    const second = await (await api.send(first.next)).json();
    const ids = (page: { results: { id: string }[] }) => page.results.map(({ id }) => id);
    expect([...ids(first), ...ids(second)]).toEqual(made.toReversed().slice(0, 6));
    const back = await (await api.send(second.previous)).json();
    expect(ids(back)).toEqual(ids(first));
    expect(back.previous).toBeNull();
    const last = await (await api.send(back.next)).json();
    expect(ids(last)).toEqual(ids(second));
  });

  test('filters by time and by tag', async () => {
    const tagged = await api.send('/v1/predictions', {
      json: { input: { prompt: 'x' }, metadata: { team: 'blue' } },
    });
    const { id } = await tagged.json();
    const found = await (await api.send('/v1/predictions?tag=team:blue')).json();
    expect(found.results.map((p: { id: string }) => p.id)).toEqual([id]);
    const future = new Date(Date.now() + 60_000).toISOString();
    const none = await (await api.send(`/v1/predictions?created_after=${future}`)).json();
    expect(none.results).toEqual([]);
    expect((await api.send('/v1/predictions?cursor=nonsense')).status).toBe(400);
  });

  test('takes a time without an offset in UTC, in every list', async () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Kathmandu';
    try {
      const [before, after] = [-60_000, 60_000].map((ms) =>
        new Date(Date.now() + ms).toISOString().slice(0, 19),
      );
      const read = async (path: string) => (await api.send(path)).json();
      const page = (from?: string, to?: string) =>
        read(`/v1/predictions?created_after=${from}&created_before=${to}`);
      const ledger = (from?: string, to?: string) => read(`/v1/ledger?from=${from}&to=${to}`);
      for (const list of [page, ledger]) {
        expect((await list(before, after)).results).not.toEqual([]);
        expect((await list(before, before)).results).toEqual([]);
      }
      expect((await read(`/v1/usage?from=${before}`)).from).toBe(`${before}.000Z`);
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });
});
