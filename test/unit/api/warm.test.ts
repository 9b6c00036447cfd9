import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

const warm = (model: string, key: string, json?: unknown) =>
  api.send(`/v1/models/${model}/warm`, {
    method: 'POST',
    key,
    ...(json === undefined ? {} : { json }),
  });

test('a model that is always loaded is awake', async () => {
  const answer = await warm(TEST_MODEL.name, api.keys.adminKey);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    model: TEST_MODEL.name,
    state: 'awake',
    ready_in_seconds: 0,
    warm_until: null,
  });
});

test('only the operator wakes models, and only those that there are, for half a day at most', async () => {
  const { key, adminKey } = api.keys;
  const answers = [
    await warm(TEST_MODEL.name, key),
    await warm('onestep/other', adminKey),
    await warm(TEST_MODEL.name, adminKey, { minutes: 721 }),
    await warm(TEST_MODEL.name, adminKey, { hours: 1 }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([403, 404, 422, 422]);
});
