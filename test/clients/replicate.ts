import Replicate from 'replicate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodedPixels } from '#test/helpers/decoded-pixels.ts';
import type { Served, StartServed } from '#test/helpers/served.ts';

/** What the stock `replicate` client is promised, against any deployment. */
export function describeReplicateClient(where: string, start: StartServed): void {
  let server: Served;
  let replicate: Replicate;
  beforeAll(async () => {
    server = await start();
    replicate = new Replicate({ baseUrl: `${server.url}/v1`, auth: server.keys.key });
  });
  afterAll(async () => {
    await server.close();
  });

  const bytesOf = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());

  describe(`the stock replicate client: ${where}`, () => {
    test('run gives the URL of a picture of the ordered size', async () => {
      const output = await replicate.run('onestep/demo', {
        input: { prompt: 'a red house', seed: 3, width: 128, height: 192 },
      });
      const [url] = output as string[];
      const picture = await sharp(await bytesOf(String(url))).metadata();
      expect(picture).toMatchObject({ format: 'png', width: 128, height: 192 });
    });

    test('the same seed gives the same pixels, another one other pixels', async () => {
      const run = async (seed: number) => {
        const input = { prompt: 'a blue boat', seed, width: 128, height: 128 };
        const [url] = (await replicate.run('onestep/demo', { input })) as string[];
        return decodedPixels(await bytesOf(String(url)));
      };
      const [first, same, other] = [await run(11), await run(11), await run(12)];
      expect(same === first).toBe(true);
      expect(other === first).toBe(false);
    });

    test('a batch equals its single runs', async () => {
      const input = { prompt: 'hills', seed: 40, width: 64, height: 64 };
      const batch = await replicate.run('onestep/demo', { input: { ...input, num_outputs: 2 } });
      const single = await replicate.run('onestep/demo', { input: { ...input, seed: 41 } });
      const [, second] = batch as string[];
      const [alone] = single as string[];
      const pixelsOf = async (url = '') => decodedPixels(await bytesOf(url));
      expect((await pixelsOf(second)) === (await pixelsOf(alone))).toBe(true);
    });

    test('create, get, wait and list', async () => {
      const created = await replicate.predictions.create({
        model: 'onestep/demo',
        input: { prompt: 'a tree', width: 64, height: 64 },
      });
      expect(created.status).toBe('starting');
      const done = await replicate.wait(created, { interval: 50 });
      expect(done).toMatchObject({ id: created.id, status: 'succeeded', cost: 4000 });
      expect(await replicate.predictions.get(created.id)).toMatchObject({ status: 'succeeded' });
      const listed = await replicate.predictions.list();
      expect(listed.results[0]?.id).toBe(created.id);
    });

    test('paginate follows absolute links to the end', async () => {
      const ids = new Set<string>();
      for await (const page of replicate.paginate(replicate.predictions.list)) {
        for (const { id } of page) ids.add(id);
      }
      expect(ids.size).toBeGreaterThan(5);
    });

    test('a stream tells of phases, but not to the Python client, which fails at them', async () => {
      const eventsFor = async (userAgent: string) => {
        const { urls } = await replicate.predictions.create({
          model: 'onestep/demo',
          input: { prompt: 'a bridge', num_outputs: 4 },
          stream: true,
        });
        const { pathname } = new URL(urls.stream ?? '');
        const url = new URL(pathname, server.url);
        const answer = await fetch(url, { headers: { 'user-agent': userAgent } });
        return [...(await answer.text()).matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
      };
      expect(await eventsFor('curl/8')).toContain('phase');
      const known = new Set(['logs', 'output', 'done']);
      expect(new Set(await eventsFor('replicate-python/1.0.7'))).toEqual(known);
    });

    test('a cancelled prediction ends as canceled, and cancelling an ended one is no error', async () => {
      const predictions = await Promise.all(
        Array.from({ length: 6 }, () =>
          replicate.predictions.create({
            version: 'onestep/demo',
            input: { prompt: 'never seen', num_outputs: 4 },
          }),
        ),
      );
      // Requests can overtake each other: the last in the queue is the one whose id is.
      const last = predictions.reduce((a, b) => (a.id > b.id ? a : b));
      await replicate.predictions.cancel(last.id);
      // One that the GPU function has already ends there.
      const ended = await replicate.wait(last, { interval: 200 });
      expect(ended).toMatchObject({ status: 'canceled', cost: 0 });
      expect(await replicate.predictions.cancel(last.id)).toEqual(ended);
      for (const { id } of predictions) await replicate.predictions.cancel(id);
    });

    test('models, versions, account and hardware', async () => {
      const model = await replicate.models.get('onestep', 'demo');
      expect(model.latest_version?.openapi_schema).toHaveProperty('components.schemas.Input');
      const versions = await replicate.models.versions.list('onestep', 'demo');
      expect(versions).toMatchObject({ results: [{ id: model.latest_version?.id }] });
      expect(await replicate.accounts.current()).toMatchObject({ username: 'demo' });
      const { hardware = 'cpu' } = server;
      expect(await replicate.hardware.list()).toEqual([{ name: hardware, sku: hardware }]);
    });

    test('a wrong input is an error that names it', async () => {
      const wrong = replicate.run('onestep/demo', { input: { prompt: 'x', colour: 'red' } });
      await expect(wrong).rejects.toThrow(/422.*input\.colour/s);
    });
  });
}
