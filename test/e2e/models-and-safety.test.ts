import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTiny } from '#test/helpers/model-fixture.ts';
import { runOnestep } from '#test/helpers/run-cli.ts';
import {
  type RunningServer,
  removeFolder,
  startServer,
  temporaryFolder,
} from '#test/helpers/server-process.ts';

const PRICES = {
  version: 'test-1',
  models: { 'acme/tiny': [{ name: 'any', maxPixels: 128 * 128, perImage: 1000 }] },
};
const CHECK = `export function checkImage({ prompt, index }) {
  const refused = prompt.includes('every') || (prompt.includes('second') && index === 1);
  return { allowed: !refused, reason: 'not this one' };
}\n`;

let data: string;
let server: RunningServer;
let tinyVersion: string;

const onestep = (...words: readonly string[]) => runOnestep(words, { env: { ONESTEP_DATA: data } });

/** The tiny model, imported with the command line for pictures of a size of its own. */
async function importTiny(): Promise<string> {
  const repository = copyOfTiny(data);
  const path = join(repository, 'unet', 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, sample_size: 16 }));
  writeFileSync(join(repository, 'README.md'), '---\nlicense: openrail++\n---\n');
  const words = [
    '--repo',
    repository,
    '--recipe',
    'disback',
    '--name',
    'acme/tiny',
    '--data',
    data,
  ];
  const { stdout } = await onestep('import', ...words);
  return stdout.trim();
}

beforeAll(async () => {
  data = temporaryFolder();
  tinyVersion = await importTiny();
  const imageCheck = join(data, 'check.mjs');
  writeFileSync(imageCheck, CHECK);
  server = await startServer({
    data,
    env: {
      ONESTEP_PRICES: JSON.stringify(PRICES),
      ONESTEP_SAFETY: JSON.stringify({ blockList: ['voldemort'], imageCheck }),
    },
  });
});
afterAll(async () => {
  await server?.end('SIGTERM');
  removeFolder(data);
});

/** Tests read answers of every shape. */
const read = async (answer: Response) => JSON.parse(await answer.text());

async function predict(body: object, path = '/v1/predictions') {
  const answer = await server.send(path, { json: body, headers: { prefer: 'wait=50' } });
  return { status: answer.status, body: await read(answer) };
}

const account = async () => read(await server.send('/v1/account'));

describe('several models', () => {
  it('offers what was imported beside the demo model', async () => {
    const { results } = await read(await server.send('/v1/models'));
    expect(results).toMatchObject([
      {
        owner: 'onestep',
        name: 'demo',
        license_url: 'https://opensource.org/license/mit',
        price: { classes: [{ per_image: 4000 }, { per_image: 6000 }] },
        sizes: { aspect_ratios: { '1:1': '256x256' } },
      },
      {
        owner: 'acme',
        name: 'tiny',
        latest_version: { id: tinyVersion },
        license_url: expect.stringContaining('stable-diffusion-xl-base-1.0'),
        price: { version: 'test-1', classes: [{ per_image: 1000 }] },
        sizes: { aspect_ratios: { '1:1': '128x128' } },
      },
    ]);
    const page = await (await server.send('/')).text();
    // The path that it was imported from is nobody's business.
    expect(page).not.toContain(data);
    expect(page).toContain('"licence":{"part":"unet","name":"MIT","url":"https://opensource');
  });

  it.each([
    ['by name', () => ({ version: 'acme/tiny' }), 'acme/tiny', 128, 1000],
    ['by version', () => ({ version: tinyVersion }), 'acme/tiny', 128, 1000],
    ['by both', () => ({ version: `acme/tiny:${tinyVersion}` }), 'acme/tiny', 128, 1000],
    ['by name', () => ({ model: 'onestep/demo' }), 'onestep/demo', 256, 4000],
    ['not at all', () => ({}), 'onestep/demo', 256, 4000],
  ] as const)('ordered %s', async (_, choose, model, side, cost) => {
    const { body } = await predict({ ...choose(), input: { prompt: 'a red house', seed: 1 } });
    expect(body).toMatchObject({ model, cost, price_version: 'test-1' });
    const [image] = body.receipt.images;
    expect([image.width, image.height]).toEqual([side, side]);
  });

  it("refuses a size that only the other model makes, and a version that isn't its", async () => {
    const input = { prompt: 'a red house', size: '256x256' };
    const path = '/v1/models/acme/tiny/predictions';
    expect((await predict({ input: { ...input, size: '512x256' } }, path)).status).toBe(422);
    const wrong = `onestep/demo:${tinyVersion}`;
    expect((await predict({ version: wrong, input })).status).toBe(422);
  });
});

describe('block list', () => {
  it.each([
    ['/v1/predictions', { input: { prompt: 'a bust of Voldemort' } }],
    ['/v1/images', { prompt: 'a bust of Voldemort' }],
    ['/v1/images/generations', { prompt: 'a bust of Voldemort' }],
  ])('refuses a prompt at %s before anything is held', async (path, json) => {
    const before = await account();
    const answer = await server.send(path, { json });
    expect(answer.status).toBe(422);
    expect((await read(answer)).error).toMatchObject({
      code: 'content_blocked',
      message: expect.stringContaining('"Voldemort"'),
    });
    expect(await account()).toMatchObject({ balance: before.balance, held: before.held });
  });
});

describe('image check', () => {
  it('keeps one image of a batch back, without charging for it', async () => {
    const input = { prompt: 'all but the second', num_outputs: 3, seed: 5 };
    const { body } = await predict({ input });
    expect(body).toMatchObject({
      status: 'succeeded',
      cost: 8000,
      blocked: [{ index: 1, reason: 'not this one' }],
      warnings: [
        expect.stringMatching(/^unknown-words: /),
        'Image 1 was blocked and not charged: not this one',
      ],
    });
    expect(body.output).toHaveLength(2);
    const stored = readdirSync(join(data, 'files', 'outputs', body.id)).sort();
    expect(stored.filter((name) => name.endsWith('.png'))).toEqual(['0.png', '2.png']);
  });

  it('fails an order of which every image is kept back', async () => {
    const before = await account();
    const json = { prompt: 'every one of them', n: 2 };
    const answer = await server.send('/v1/images/generations', { json });
    expect(answer.status).toBe(422);
    expect((await read(answer)).error).toMatchObject({
      code: 'content_blocked',
      message: 'Every image was blocked: not this one',
    });
    expect(await account()).toMatchObject({ balance: before.balance, held: 0 });
  });
});

describe('command line', () => {
  it('shows how it stands, what was charged and what was made', async () => {
    const status = JSON.parse((await onestep('top', '--json')).stdout);
    expect(status).toMatchObject({
      waiting: 0,
      running: 0,
      today: { charged: 6, images: 7, amount: 19_000, released: 1 },
      failures: [{ code: 'content_blocked', model: 'onestep/demo' }],
    });
    const rows = (await onestep('usage', '--by', 'model', '--csv')).stdout;
    expect(rows).toBe(
      'model,jobs,images,amount_micro_usd\r\nacme/tiny,3,3,3000\r\nonestep/demo,3,4,16000\r\n',
    );
    const { results } = await read(await server.send('/v1/predictions?limit=1'));
    const followed = await onestep('logs', results[0].id);
    expect(followed.status).toBe(1);
    expect(followed.stderr).toContain('Every image was blocked: not this one');
  });

  it('says what can be done next', async () => {
    const { stdout } = await onestep();
    expect(stdout).toContain(`The server is running at ${server.url}`);
    expect(stdout).toContain('Imported: acme/tiny');
    expect(stdout).toContain('onestep top');
    expect(stdout).not.toContain('onestep start');
  });
});
