import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertPricedModels, findModels, pricesOf } from '#functions/local/find-models.ts';
import { readBlockList, readImageCheck } from '#functions/local/read-safety.ts';
import { loadServeConfig, type ServeConfig } from '#functions/local/serve-config.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
const repository = fixture('tiny', 'repo');
const tiny = join(folder.path, 'models', 'tiny');

beforeAll(async () => {
  await importFixture(repository, tiny, { name: 'tiny', owner: 'acme' });
  await importFixture(repository, join(folder.path, 'models', 'unnamed'), { name: 'plain' });
});
afterAll(() => folder.remove());

/** The settings that a configuration file of this text would give. */
function settings(file: object): ServeConfig {
  const path = join(folder.path, 'config.json');
  writeFileSync(path, JSON.stringify(file));
  return loadServeConfig({ flags: {}, env: {}, file: path, fileRequired: true });
}

async function found(file: object = {}) {
  const problems: string[] = [];
  const config = settings(file);
  const models = await findModels(config, folder.path, (error) =>
    problems.push((error as Error).message),
  );
  assertPricedModels(config, models);
  const prices = pricesOf(config, models);
  return {
    names: models.map(({ catalog }) => catalog.name),
    models: models.map(({ catalog }) => catalog),
    prices,
    standard: (name: string) => prices.models[name]?.map(({ perImage }) => perImage),
    problems,
  };
}

describe('findModels', () => {
  it('offers imported packages beside the demo model, which stays the default', async () => {
    const { names, models, prices } = await found();
    expect(names).toEqual(['onestep/demo', 'acme/tiny', 'local/plain']);
    expect(models[1]?.description).toBe('An imported model');
    expect(prices.version).toBe('default-1');
  });

  it('lets another model be the default', async () => {
    const { names } = await found({ defaultModel: 'acme/tiny' });
    expect(names).toEqual(['acme/tiny', 'onestep/demo', 'local/plain']);
    await expect(found({ defaultModel: 'acme/big' })).rejects.toThrow(
      'defaultModel names acme/big; the models here are onestep/demo, acme/tiny, local/plain.',
    );
  });

  it('offers what is configured and nothing else', async () => {
    const models = [{ name: 'acme/best', package: tiny, price: 9001 }, { name: 'onestep/demo' }];
    const { names, standard, prices } = await found({ models });
    expect(names).toEqual(['acme/best', 'onestep/demo']);
    expect(standard('acme/best')).toEqual([9001, 13_502]);
    expect(standard('onestep/demo')).toEqual([4000, 6000]);
    expect(prices.version).toMatch(/^default-1\+[0-9a-f]{12}$/);
    const dearer = await found({ models: models.map((model) => ({ ...model, price: 9002 })) });
    expect(dearer.prices.version).not.toBe(prices.version);
  });

  it('takes a price book over default prices, model by model', async () => {
    const book = {
      version: 'v7',
      models: { 'acme/tiny': [{ name: 'a', maxPixels: 9, perImage: 1 }] },
    };
    const { prices, standard } = await found({ prices: book });
    expect(prices.version).toBe('v7');
    expect(standard('acme/tiny')).toEqual([1]);
    expect(standard('onestep/demo')).toEqual([4000, 6000]);
    const typo = { version: 'v7', models: { 'acme/tny': book.models['acme/tiny'] } };
    await expect(found({ prices: typo })).rejects.toThrow(/prices.models names acme\/tny/);
  });

  it('leaves a damaged package out, and one whose name is taken', async () => {
    const broken = join(folder.path, 'models', 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'manifest.json'), '{"format": 1}');
    await importFixture(repository, join(folder.path, 'models', 'zz'), {
      name: 'tiny',
      owner: 'acme',
    });
    const { names, problems } = await found();
    expect(names).toEqual(['onestep/demo', 'acme/tiny', 'local/plain']);
    expect(problems).toEqual([
      expect.stringContaining(broken),
      expect.stringContaining('acme/tiny is there already'),
    ]);
  });
});

describe('settings', () => {
  it.each([
    [{ models: [{ name: 'acme/tiny' }] }, /models\.0\.package .*is missing/],
    [{ models: [{ name: 'onestep/demo' }, { name: 'onestep/demo' }] }, /two models have one name/],
    [
      { safety: { blocklist: ['x'] } },
      /safety\.blocklist \(.*config\.json\): there is no such setting/,
    ],
  ])('refuse %j', (file, message) => {
    expect(() => settings(file)).toThrow(message);
  });

  it('read a block list from a file', () => {
    const list = join(folder.path, 'terms.txt');
    writeFileSync(list, '# people\nvoldemort\n');
    const check = readBlockList(settings({ safety: { blockList: list } }));
    expect(check?.('Voldemort at tea')).toMatch(/Voldemort/);
    const missing = settings({ safety: { blockList: `${list}.none` } });
    expect(() => readBlockList(missing)).toThrow(/safety.blockList: ENOENT/);
  });

  it('know no safety unless told', () => {
    expect([readBlockList(settings({})), readImageCheck(settings({}))]).toEqual([
      undefined,
      undefined,
    ]);
    const missing = settings({ safety: { imageCheck: 'no-such.mjs' } });
    expect(() => readImageCheck(missing)).toThrow(/there is no .*no-such\.mjs/);
    const elsewhere = { safety: { imageCheck: 'http://127.0.0.1:9000/' } };
    expect(readImageCheck(settings(elsewhere))).toBe('http://127.0.0.1:9000/');
  });
});
