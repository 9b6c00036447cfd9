import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodedPixels } from '#test/helpers/decoded-pixels.ts';
import type { Served, StartServed } from '#test/helpers/served.ts';

/** What the stock `openai` client is promised, against any deployment. */
export function describeOpenAiClient(where: string, start: StartServed): void {
  let server: Served;
  let client: OpenAI;

  beforeAll(async () => {
    server = await start();
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.keys.key });
  });
  afterAll(async () => {
    await server.close();
  });

  const MODEL = 'onestep/demo';

  describe(`the openai client: ${where}`, () => {
    it('gets images as base64', async () => {
      const answer = await client.images.generate({
        model: MODEL,
        prompt: 'a red circle',
        response_format: 'b64_json',
        output_format: 'webp',
        output_compression: 40,
      });
      const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64');
      expect(await sharp(bytes).metadata()).toMatchObject({
        format: 'webp',
        width: 256,
        height: 256,
      });
      expect(answer).toMatchObject({
        output_format: 'webp',
        background: 'opaque',
      });
      // Its clients know their own sizes and qualities alone, and some check.
      expect(answer.size).toBeUndefined();
      expect(answer.quality).toBeUndefined();
      expect(answer.created).toBeGreaterThan(1_700_000_000);
    });

    it('gets URLs that need no key', async () => {
      const answer = await client.images.generate({
        prompt: 'a blue square',
        response_format: 'url',
      });
      const file = await fetch(answer.data?.[0]?.url ?? '');
      expect(file.status).toBe(200);
      expect(file.headers.get('content-type')).toBe('image/png');
      expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(1000);
    });

    it('gets different images for n: 2, and the same ones for the same seed', async () => {
      const order = { prompt: 'a tree', n: 2, response_format: 'b64_json', seed: 7 } as const;
      const [first, second] = await Promise.all([
        client.images.generate(order as OpenAI.ImageGenerateParamsNonStreaming),
        client.images.generate(order as OpenAI.ImageGenerateParamsNonStreaming),
      ]);
      const pixelsOf = ({ data = [] }: OpenAI.ImagesResponse) =>
        Promise.all(
          data.map(({ b64_json }) => decodedPixels(Buffer.from(b64_json ?? '', 'base64'))),
        );
      const pixels = await pixelsOf(first);
      expect(new Set(pixels).size).toBe(2);
      expect(await pixelsOf(second)).toEqual(pixels);
    });

    it('gets a stream that ends in the image', async () => {
      const stream = await client.images.generate({
        prompt: 'a lighthouse',
        stream: true,
        partial_images: 2,
      });
      const events = [];
      for await (const event of stream) events.push(event);
      expect(events.map(({ type }) => type)).toEqual(['image_generation.completed']);
      const bytes = Buffer.from(events[0]?.b64_json ?? '', 'base64');
      expect((await sharp(bytes).metadata()).format).toBe('png');
    });

    it('lists the models', async () => {
      const models = [];
      for await (const model of client.models.list()) models.push(model);
      expect(models).toMatchObject([{ id: MODEL, object: 'model', owned_by: 'onestep' }]);
      expect(await client.models.retrieve(MODEL)).toMatchObject(models[0] ?? {});
      await expect(client.models.retrieve('onestep/none')).rejects.toMatchObject({ status: 404 });
    });

    it.each([
      ['a bad size', { prompt: 'x', size: '1000x7' }, 422, 'size'],
      ['too many images', { prompt: 'x', n: 9 }, 422, 'n'],
      ['an unknown model', { prompt: 'x', model: 'dall-e-9' }, 422, 'model'],
      ['an unknown member', { prompt: 'x', steps: 30 }, 422, 'steps'],
      ['an empty prompt', { prompt: '' }, 422, 'prompt'],
    ])('throws its own error for %s', async (_name, order, status, param) => {
      const error = await client.images
        .generate(order as OpenAI.ImageGenerateParamsNonStreaming)
        .then(() => undefined)
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.APIError);
      expect(error).toMatchObject({ status, param, code: 'invalid_input' });
      expect((error as InstanceType<typeof OpenAI.APIError>).requestID).toMatch(/^req_/);
    });

    it('throws AuthenticationError for a bad key', async () => {
      const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'sk-nothing' });
      await expect(stranger.images.generate({ prompt: 'x' })).rejects.toThrow(
        OpenAI.AuthenticationError,
      );
    });

    it('is told of missing credit once, without retries', async () => {
      const { id } = await server.call('POST', '/v1/accounts', { name: 'poor' });
      const { key } = await server.call('POST', '/v1/keys', { account: id, label: 'poor' });
      let calls = 0;
      const poor = new OpenAI({
        baseURL: `${server.url}/v1`,
        apiKey: key,
        fetch: (url, init) => {
          calls++;
          return fetch(url, init);
        },
      });
      await expect(poor.images.generate({ prompt: 'x' })).rejects.toMatchObject({
        status: 402,
        code: 'insufficient_funds',
      });
      expect(calls).toBe(1);
    });
  });
}
