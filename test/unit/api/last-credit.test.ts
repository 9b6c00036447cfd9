import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

describe('the last credit of an account', () => {
  let api: ApiHarness;
  beforeAll(async () => {
    api = await createApiHarness({
      config: { demoCredit: '4000', maxWaitSeconds: '1' },
      behaviour: 'hold',
    });
  });
  afterAll(() => api.close());

  const image = (prompt: string) =>
    api.send('/v1/images', { json: { prompt }, headers: { accept: 'image/png' } });

  test('pays for a picture that takes several calls, and for no other', async () => {
    const first = await image('a dog');
    expect(first.status).toBe(503);
    const second = await image('a dog');
    expect(await second.json()).toMatchObject({ error: { code: 'model_loading' } });
    expect((await image('a cat')).status).toBe(402);
    for (const request of [...api.gpu.held.values()]) await api.gpu.finish(request);
    const last = await image('a dog');
    expect(last.status).toBe(200);
    expect(api.gpu.submitted).toHaveLength(1);
    expect((await image('a dog')).status).toBe(402);
  });
});
