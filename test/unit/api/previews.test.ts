import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  api = await createApiHarness();
});
afterAll(() => api.close());

const create = (body: object) =>
  api.send('/v1/predictions', {
    json: { version: 'onestep/test', input: { prompt: 'a tree' }, ...body },
    headers: { prefer: 'wait=10' },
  });

describe('a preview', () => {
  test('is an order at the usual price that no list shows', async () => {
    const made = await (await create({ preview: true, metadata: { team: 'web' } })).json();
    expect(made).toMatchObject({ status: 'succeeded', preview: true, cost: 4000 });
    expect((await api.send(made.output[0])).status).toBe(200);
    const kept = await (await create({ preview: false })).json();
    expect(kept).not.toHaveProperty('preview');
    const { results } = await (await api.send('/v1/predictions')).json();
    expect(results.map(({ id }: { id: string }) => id)).toEqual([kept.id]);
    const tagged = await (await api.send('/v1/predictions?tag=team:web')).json();
    expect(tagged.results).toEqual([]);
    const ledger = await (await api.send('/v1/ledger')).json();
    expect(JSON.stringify(ledger)).toContain(made.id);
  });

  test('sends no webhooks', async () => {
    const refused = await create({ preview: true, webhook: 'https://example.com/hook' });
    expect(refused.status).toBe(422);
    expect((await refused.json()).error).toMatchObject({ param: 'webhook' });
  });

  test('made again is kept', async () => {
    const preview = await (await create({ preview: true })).json();
    const again = await api.send(`/v1/predictions/${preview.id}/replay`, {
      method: 'POST',
      headers: { prefer: 'wait=10' },
    });
    expect(await again.json()).not.toHaveProperty('preview');
  });
});
