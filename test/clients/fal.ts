import { ApiError, createFalClient, ValidationError } from '@fal-ai/client';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Served, StartServed } from '#test/helpers/served.ts';

interface Output {
  readonly images: readonly { readonly url: string; readonly content_type: string }[];
  readonly seed: number;
  readonly prompt: string;
}

/** What the stock `@fal-ai/client` is promised, against any deployment. */
export function describeFalClient(where: string, start: StartServed): void {
  let server: Served;
  let fal: ReturnType<typeof createFalClient>;
  const MODEL = 'onestep/demo';

  beforeAll(async () => {
    server = await start();
    fal = createFalClient({
      credentials: server.keys.key,
      proxyUrl: { url: `${server.url}/fal/proxy`, when: 'always' },
    });
  });
  afterAll(async () => {
    await server.close();
  });

  describe(`the fal client through proxyUrl: ${where}`, () => {
    it('subscribes to a request and gets its images', async () => {
      const statuses: string[] = [];
      const result = await fal.subscribe(MODEL, {
        input: { prompt: 'a red circle', image_size: { width: 256, height: 256 }, seed: 3 },
        pollInterval: 50,
        logs: true,
        onQueueUpdate: ({ status }) => statuses.push(status),
      });
      const output = result.data as Output;
      expect(output).toMatchObject({ seed: 3, prompt: 'a red circle' });
      expect(result.requestId).toMatch(/^[0-9a-z]{26}$/);
      expect(statuses.at(-1)).toBe('COMPLETED');
      const file = await fetch(output.images[0]?.url ?? '');
      const { format } = await sharp(Buffer.from(await file.arrayBuffer())).metadata();
      expect(format).toBe('png');
    });

    it('runs a model in one call, images inline', async () => {
      const result = await fal.run(MODEL, {
        input: { prompt: 'a tree', num_images: 2, sync_mode: true, output_format: 'jpeg' },
      });
      const { images } = result.data as Output;
      expect(images).toHaveLength(2);
      expect(images[0]?.url).toMatch(/^data:image\/jpeg;base64,/);
    });

    it('follows a request by its stream of statuses', async () => {
      const { request_id: requestId } = await fal.queue.submit(MODEL, { input: { prompt: 'a' } });
      const done = await fal.queue.subscribeToStatus(MODEL, { requestId, mode: 'streaming' });
      expect(done.status).toBe('COMPLETED');
    });

    it('cancels a request that has not ended, and finds one that has', async () => {
      const submitted = await fal.queue.submit(MODEL, { input: { prompt: 'a', num_images: 4 } });
      await fal.queue.cancel(MODEL, { requestId: submitted.request_id });
      const { status } = await server.call('GET', `/v1/predictions/${submitted.request_id}`);
      expect(['canceled', 'processing', 'starting']).toContain(status);
    });

    it('throws ValidationError with the field at fault', async () => {
      const error = await fal
        .subscribe(MODEL, { input: { prompt: 'a', image_size: { width: 1000, height: 7 } } })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ValidationError);
      expect((error as ValidationError).fieldErrors[0]?.msg).toMatch(/^width: /);
    });

    it('throws ApiError for an unknown model and an unknown request', async () => {
      await expect(fal.run('nobody/nothing', { input: { prompt: 'a' } })).rejects.toThrow(ApiError);
      await expect(
        fal.queue.result(MODEL, { requestId: '00000000000000000000000000' }),
      ).rejects.toMatchObject({ status: 404 });
    });

    it('reads its target and calls nobody', async () => {
      const answer = await fetch(`${server.url}/fal/proxy`, {
        method: 'POST',
        headers: {
          authorization: `Key ${server.keys.key}`,
          'content-type': 'application/json',
          'x-fal-target-url': 'http://169.254.169.254/latest/meta-data/',
        },
        body: '{}',
      });
      expect(answer.status).toBe(400);
    });
  });
}
