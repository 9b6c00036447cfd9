import { createFal } from '@ai-sdk/fal';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createReplicate } from '@ai-sdk/replicate';
import { generateImage } from 'ai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Served, StartServed } from '#test/helpers/served.ts';

/** What the AI SDK is promised, against any deployment. */
export function describeAiSdk(where: string, start: StartServed): void {
  let server: Served;
  const MODEL = 'onestep/demo';

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.close();
  });

  describe(`the AI SDK: ${where}`, () => {
    it.each([
      [
        'Replicate',
        () =>
          createReplicate({ baseURL: `${server.url}/v1`, apiToken: server.keys.key }).image(MODEL),
      ],
      [
        'OpenAI-compatible',
        () =>
          createOpenAICompatible({
            name: 'onestep',
            baseURL: `${server.url}/v1`,
            apiKey: server.keys.key,
          }).imageModel(MODEL),
      ],
      [
        'fal',
        () => createFal({ baseURL: `${server.url}/fal`, apiKey: server.keys.key }).image(MODEL),
      ],
    ])('makes two images through its %s provider', async (_name, model) => {
      const before = await server.call('GET', '/v1/account');
      const { images } = await generateImage({
        model: model(),
        prompt: 'a red circle',
        n: 2,
        size: '256x256',
        maxImagesPerCall: 1,
      });
      expect(images).toHaveLength(2);
      const [first, second] = images.map(({ uint8Array }) => Buffer.from(uint8Array));
      expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
      for (const image of [first, second]) {
        expect(await sharp(image).metadata()).toMatchObject({ width: 256, height: 256 });
      }
      const after = await server.call('GET', '/v1/account');
      expect(before.balance - after.balance).toBe(8000);
    });
  });
}
