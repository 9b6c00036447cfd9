import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { openRepository } from '#shared/engine/package/repository.ts';
import { copyOfTiny, editTensors, fixture, importFixture } from '#test/helpers/model-fixture.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

const NO_TIME_STAMP = 'The image could not be signed. The time stamp authority gave no time stamp.';

let data: string;
let server: RunningServer;

/** A model whose weights are all finite and whose latents are not. */
function overflowing(): string {
  const repository = copyOfTiny(data);
  editTensors(openRepository(repository).weightsOf('unet'), (tensors) => {
    const { shape } = tensors['conv_out.weight'] as RawTensor;
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(3e38);
    const bytes = new Uint8Array(values.buffer);
    return { ...tensors, 'conv_out.weight': { dtype: 'F32', shape, bytes } };
  });
  return repository;
}

const swapped = () => join(data, 'models', 'swapped');

beforeAll(async () => {
  data = temporaryFolder();
  await importFixture(overflowing(), join(data, 'models', 'overflowing'), { name: 'overflowing' });
  await importFixture(fixture('tiny', 'repo'), swapped(), { name: 'swapped' });
  // Nothing listens there. The other orders fail before anything is signed.
  const c2pa = JSON.stringify({ timeStampUrl: 'http://127.0.0.1:9/' });
  server = await startServer({ data, env: { ONESTEP_C2PA: c2pa } });
});
afterAll(async () => {
  await server?.end('SIGTERM');
  removeFolder(data);
});

const read = async (path: string, json?: object) => {
  const init = json === undefined ? {} : { json, headers: { prefer: 'wait=50' } };
  return JSON.parse(await (await server.send(path, init)).text());
};
const predict = (model: string, side = 64) =>
  read('/v1/predictions', { model, input: { prompt: 'a boat', width: side, height: side } });

describe('a model that does not draw what it should', () => {
  it('fails where a value is not a number, and costs nothing', async () => {
    const before = await read('/v1/account');
    const prediction = await predict('local/overflowing');
    expect(prediction).toMatchObject({
      status: 'failed',
      error_code: 'model_error',
      error: "The model's latents are not finite numbers.",
      cost: 0,
      output: null,
    });
    const after = await read('/v1/account');
    expect([after.balance, after.held]).toEqual([before.balance, 0]);
  });

  it('leaves no picture that can’t be signed, and costs nothing', async () => {
    const before = await read('/v1/account');
    const prediction = await read('/v1/predictions', { input: { prompt: 'a boat' } });
    expect(prediction).toMatchObject({
      status: 'failed',
      error_code: 'model_error',
      error: NO_TIME_STAMP,
      cost: 0,
      output: null,
    });
    const after = await read('/v1/account');
    expect([after.balance, after.held]).toEqual([before.balance, 0]);
  });

  it('fails for a moment where its package is replaced underneath, and names no folder', async () => {
    await importFixture(fixture('tiny', 'repo'), swapped(), {
      name: 'swapped',
      recipe: recipeNamed('turbo'),
    });
    const swappedDraws = async () => {
      const { status, error, cost, ...rest } = await predict('local/swapped', 128);
      expect(JSON.stringify({ error, rest })).not.toContain(data);
      // The last order here fails at its signature, which it only comes to when it was drawn.
      if (error === NO_TIME_STAMP) return 'drawn';
      expect([status, cost]).toEqual(['failed', 0]);
      // Accepted before the replacement was seen: of the old package, which is nowhere any more.
      expect(error).toMatch(/was replaced while it was in use; order again|does not serve/);
      return 'replaced';
    };
    await expect.poll(swappedDraws, { timeout: 20_000, interval: 100 }).toBe('drawn');
  });
});
