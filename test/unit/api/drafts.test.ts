import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
let plain: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness({ model: { hasDrafts: true } });
  plain = await createApiHarness();
});
afterAll(async () => {
  await api.close();
  await plain.close();
});

const DRAFT = { prompt: 'a red house', seed: 7, decoder: 'draft' };
const create = (
  harness: ApiHarness,
  input: Record<string, unknown>,
  headers: Record<string, string> = {},
) =>
  harness.send('/v1/predictions', {
    json: { version: 'onestep/test', input },
    headers: { prefer: 'wait=10', ...headers },
  });

describe('a draft', () => {
  test('is ordered, quoted, charged and written down as one', async () => {
    const estimate = await api.send('/v1/estimate', { json: { input: DRAFT } });
    expect(await estimate.json()).toMatchObject({ price: 2000, price_per_image: 2000 });
    const prediction = await (await create(api, DRAFT)).json();
    expect(prediction).toMatchObject({ status: 'succeeded', cost: 2000, price: 2000 });
    expect(prediction.receipt.input).toMatchObject({ decoder: 'draft' });
    expect(api.gpu.submitted.at(-1)).toMatchObject({ decoder: 'draft' });
    const full = await (await create(api, { ...DRAFT, decoder: undefined })).json();
    expect(full).toMatchObject({ cost: 4000 });
    expect(full.receipt.input).not.toHaveProperty('decoder');
    expect(api.gpu.submitted.at(-1)).not.toHaveProperty('decoder');
    const explicit = await (await create(api, { ...DRAFT, decoder: null })).json();
    expect(explicit).toMatchObject({ status: 'succeeded', cost: 4000 });
    expect(explicit.receipt.input).not.toHaveProperty('decoder');
  });

  test('is another body to an idempotency key', async () => {
    const key = { 'idempotency-key': 'one' };
    expect((await create(api, DRAFT, key)).status).toBe(201);
    expect((await create(api, DRAFT, key)).headers.get('idempotency-replayed')).toBe('true');
    expect((await create(api, { ...DRAFT, decoder: undefined }, key)).status).toBe(422);
  });

  test('is replayed as one', async () => {
    const prediction = await (await create(api, DRAFT)).json();
    const replay = await api.send(`/v1/predictions/${prediction.id}/replay`, {
      method: 'POST',
      headers: { prefer: 'wait=10' },
    });
    expect((await replay.json()).receipt.input).toMatchObject({ decoder: 'draft' });
  });

  test('is shown as what the model offers', async () => {
    const model = await (await api.send('/v1/models/onestep/test')).json();
    expect(model).toMatchObject({
      decoders: ['draft'],
      recipe: { name: 'disback', scheduler: 'lcm', timestep: 399, prediction: 'epsilon' },
    });
    expect(model.price.classes[0]).toMatchObject({ per_image: 4000, draft_per_image: 2000 });
    const { properties } = model.latest_version.openapi_schema.components.schemas.Input;
    expect(properties).toHaveProperty('decoder');
  });

  test('is offered to agents with its price', async () => {
    const list = async (harness: ApiHarness) => {
      const params = { name: 'list_models', arguments: {} };
      const json = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
      const headers = { accept: 'application/json, text/event-stream' };
      return (await harness.send('/mcp', { json, headers })).text();
    };
    expect(await list(api)).toContain(String.raw`\"price_per_draft\":\"$0.002\"`);
    expect(await list(plain)).not.toContain('draft');
  });

  test('is unknown input to a model without a decoder for it', async () => {
    const response = await create(plain, DRAFT);
    expect(response.status).toBe(422);
    expect((await response.json()).detail).toContain('decoder');
    const model = await (await plain.send('/v1/models/onestep/test')).json();
    expect(model.decoders).toEqual([]);
    const { properties } = model.latest_version.openapi_schema.components.schemas.Input;
    expect(properties).not.toHaveProperty('decoder');
  });

  test('is nothing but draft', async () => {
    expect((await create(api, { ...DRAFT, decoder: 'other' })).status).toBe(422);
  });
});
