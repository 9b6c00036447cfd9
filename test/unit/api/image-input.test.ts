import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseModel } from '#functions/api/predictions/choose-model.ts';
import { imageInputSchema } from '#functions/api/predictions/image-input.ts';
import { type ApiHarness, createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await createApiHarness();
});
afterAll(() => harness.close());

it('a model’s schema is built once, for all requests', () => {
  const schema = () => imageInputSchema(chooseModel(harness.api.catalog, TEST_MODEL.name));
  expect(new Set([schema(), schema()]).size).toBe(1);
});
