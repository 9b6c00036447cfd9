import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiHarness, createApiHarness } from '#test/helpers/api-harness.ts';

let api: ApiHarness;
beforeAll(async () => {
  const aliases = { 'gpt-image-1': 'onestep/test', 'dall-e-3': 'onestep/test' };
  api = await createApiHarness({ aliases });
});
afterAll(() => api.close());

const generate = async (more: object) => {
  const answer = await api.send('/v1/images/generations', { json: { prompt: 'a mill', ...more } });
  return { status: answer.status, body: await answer.json() };
};

describe('a model by the name of another service', () => {
  it('answers as that one does: gpt-image with bytes, dall-e with links', async () => {
    const image = await generate({ model: 'gpt-image-1', quality: 'high', size: 'auto' });
    expect(image.body.data[0]).toEqual({ b64_json: expect.any(String) });
    const link = await generate({ model: 'dall-e-3', quality: 'hd', style: 'vivid' });
    expect(link.body.data[0]).toEqual({ url: expect.any(String) });
    const asked = await generate({ model: 'gpt-image-1', response_format: 'url' });
    expect(asked.body.data[0]).toEqual({ url: expect.any(String) });
  });

  it('is listed, and found', async () => {
    const { data, results } = await (await api.send('/v1/models')).json();
    expect(data.map(({ id }: { id: string }) => id)).toEqual([
      'onestep/test',
      'gpt-image-1',
      'dall-e-3',
    ]);
    expect(results).toHaveLength(1);
    const found = await (await api.send('/v1/models/gpt-image-1')).json();
    expect(found).toMatchObject({ id: 'gpt-image-1', owner: 'onestep', name: 'test' });
  });

  it('is none where the operator named none', async () => {
    const { status, body } = await generate({ model: 'gpt-image-2' });
    expect(status).toBe(422);
    expect(body.error.message).toContain('onestep/test');
  });
});
