import { describe, expect, it } from 'vitest';
import { createLoadedModels } from '#functions/gpu/loaded-models.ts';

/** Folders are named by their size; everything that happens is written down. */
function setUp(limitBytes: number) {
  const log: string[] = [];
  const models = createLoadedModels({
    limitBytes,
    sizeBytes: (folder) => Number.parseInt(folder, 10),
    async load(folder) {
      log.push(`+${folder}`);
      return { close: async () => void log.push(`-${folder}`) };
    },
  });
  const use = async (...folders: readonly string[]) => {
    for (const folder of folders) await models.get(folder, () => undefined);
    return log;
  };
  return { models, use };
}

describe('createLoadedModels', () => {
  it('keeps models while they fit', async () => {
    const { use } = setUp(10);
    expect(await use('4a', '6b', '4a', '6b')).toEqual(['+4a', '+6b']);
  });

  it('lets the one go that was not used for longest, before it loads', async () => {
    const { use } = setUp(10);
    expect(await use('4a', '4b', '4a', '4c', '4a')).toEqual(['+4a', '+4b', '-4b', '+4c']);
  });

  it('keeps one model that is larger than the limit', async () => {
    const { use } = setUp(0);
    expect(await use('9a', '9a', '3b')).toEqual(['+9a', '-9a', '+3b']);
  });

  it('lets a model go whose package was replaced, and loads it anew', async () => {
    const { models, use } = setUp(10);
    await use('4a', '4b');
    await models.drop('4a');
    await models.drop('9z');
    expect(await use('4a')).toEqual(['+4a', '+4b', '-4a', '+4a']);
  });

  it('says when something is loaded', async () => {
    const { models } = setUp(10);
    let told = 0;
    const onLoad = () => {
      told += 1;
    };
    expect((await models.get('1a', onLoad)).isNew).toBe(true);
    expect((await models.get('1a', onLoad)).isNew).toBe(false);
    expect(told).toBe(1);
  });
});
