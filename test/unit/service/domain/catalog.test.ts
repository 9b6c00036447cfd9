import { describe, expect, test } from 'vitest';
import { FORMER_RECIPE } from '#shared/core/recipe.ts';
import {
  allowsSize,
  aspectSizes,
  type CatalogModel,
  createCatalog,
} from '#shared/service/domain/catalog.ts';

const size = (side: number, multiple: number, max: number) => ({
  defaultWidth: side,
  defaultHeight: side,
  multiple,
  min: multiple,
  max,
  maxPixels: side * side * 2,
});

const model = (name: string, digest: string): CatalogModel => ({
  name,
  digest,
  description: '',
  createdAt: 0,
  size: size(1024, 8, 2048),
  formats: ['png'],
  maxOutputs: 4,
  recipe: FORMER_RECIPE,
  hasDrafts: false,
  licences: [],
  hardware: 'cpu',
});

describe('catalogue', () => {
  const first = model('onestep/demo', 'a'.repeat(64));
  const second = model('onestep/sdxl', 'b'.repeat(64));
  const catalog = createCatalog([first, second]);

  test.each([
    ['onestep/demo', first],
    [`onestep/demo:${'a'.repeat(64)}`, first],
    ['b'.repeat(64), second],
    [`onestep/demo:${'b'.repeat(64)}`, undefined],
    ['onestep/none', undefined],
    ['demo', undefined],
    ['', undefined],
    ['__proto__', undefined],
  ])('resolves %s', (reference, expected) => {
    expect(catalog.resolve(reference)).toBe(expected);
  });
});

describe('aliases', () => {
  const first = model('onestep/demo', 'a'.repeat(64));
  const catalog = createCatalog([first], {
    'gpt-image-1': 'onestep/demo',
    'onestep/demo': 'onestep/none',
    'dall-e-3': 'onestep/none',
  });

  test('lead to models that are here, and hide none', () => {
    expect(catalog.aliases).toEqual([{ alias: 'gpt-image-1', model: first }]);
    expect(catalog.resolve('gpt-image-1')).toBe(first);
    expect(catalog.find('gpt-image-1')).toBe(first);
    expect(catalog.resolve('onestep/demo')).toBe(first);
    expect(catalog.resolve('dall-e-3')).toBeUndefined();
    expect(catalog.resolve('toString')).toBeUndefined();
  });
});

describe('sizes', () => {
  test('of a 1024 model are SDXL’s own buckets', () => {
    const sizes = aspectSizes(size(1024, 8, 2048));
    expect(sizes['1:1']).toEqual({ width: 1024, height: 1024 });
    expect(sizes['16:9']).toEqual({ width: 1344, height: 768 });
    expect(sizes['2:3']).toEqual({ width: 832, height: 1216 });
  });

  test('of a small model keep to its multiple and limits', () => {
    const small = size(64, 8, 96);
    const sizes = aspectSizes(small);
    expect(sizes['1:1']).toEqual({ width: 64, height: 64 });
    expect(Object.keys(sizes).length).toBeGreaterThan(5);
    for (const { width, height } of Object.values(sizes)) {
      expect(allowsSize(small, width, height)).toBe(true);
    }
    expect(aspectSizes(size(64, 8, 80))['21:9']).toBeUndefined();
  });

  test.each([
    [64, 64, true],
    [65, 64, false],
    [0, 64, false],
    [2056, 8, false],
    [2048, 1024, true],
    [2048, 1032, false],
    [-64, 64, false],
    [64.5, 64, false],
  ])('%d×%d', (width, height, allowed) => {
    expect(allowsSize(size(1024, 8, 2048), width, height)).toBe(allowed);
  });
});
