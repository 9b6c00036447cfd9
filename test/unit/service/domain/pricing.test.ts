import { describe, expect, test } from 'vitest';
import { createPricing, PriceBookSchema } from '#shared/service/domain/pricing.ts';

const BOOK = {
  version: '2026-11',
  models: {
    'onestep/sdxl': [
      { name: 'standard', maxPixels: 1024 * 1024, perImage: 4000 },
      { name: 'large', maxPixels: 1536 * 1536, perImage: 9000 },
    ],
  },
};

describe('pricing', () => {
  const pricing = createPricing(PriceBookSchema.parse(BOOK));

  test.each([
    [1024, 1024, 1, 'standard', 4000],
    [1344, 768, 3, 'standard', 4000],
    [1025, 1024, 2, 'large', 9000],
  ])('%i×%i ×%i is in class %s', (width, height, count, sizeClass, perImage) => {
    expect(pricing.quote('onestep/sdxl', { width, height, num_outputs: count })).toEqual({
      perImage,
      total: perImage * count,
      version: '2026-11',
      sizeClass,
    });
  });

  test('a draft has its own price, or that of an image', () => {
    const input = { width: 64, height: 64, num_outputs: 2, decoder: 'draft' } as const;
    expect(pricing.quote('onestep/sdxl', input).total).toBe(8000);
    const classes = [{ name: 'standard', maxPixels: 4096, perImage: 4000, draftPerImage: 1500 }];
    const book = PriceBookSchema.parse({ version: 'v', models: { 'onestep/sdxl': classes } });
    expect(createPricing(book).quote('onestep/sdxl', input).total).toBe(3000);
  });

  test('what no class takes has no price', () => {
    expect(() =>
      pricing.quote('onestep/sdxl', { width: 4096, height: 4096, num_outputs: 1 }),
    ).toThrow('4096x4096');
    expect(() => pricing.quote('onestep/none', { width: 64, height: 64, num_outputs: 1 })).toThrow(
      'onestep/none',
    );
    expect(pricing.classes('onestep/none')).toEqual([]);
  });

  test.each([
    { version: '', models: {} },
    { version: 'v', models: { m: [] } },
    { version: 'v', models: { m: [{ name: 'a', maxPixels: 10, perImage: 0.5 }] } },
    { version: 'v', models: { m: [{ name: 'a', maxPixels: 10, perImage: -1 }] } },
    {
      version: 'v',
      models: {
        m: [
          { name: 'a', maxPixels: 10, perImage: 1 },
          { name: 'b', maxPixels: 10, perImage: 2 },
        ],
      },
    },
  ])('refuses the book %j', (book) => {
    expect(PriceBookSchema.safeParse(book).success).toBe(false);
  });
});
