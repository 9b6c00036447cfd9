import { describe, expect, it } from 'vitest';
import { offerModel, priceByArea } from '#shared/service/domain/model-offer.ts';
import { createOffer, leastPrice } from '#shared/service/domain/offer.ts';

const model = (name: string, digest: string) =>
  offerModel(
    { digest, size: { defaultWidth: 64, defaultHeight: 64, multiple: 8 }, licences: [] },
    { name, description: '', createdAt: 0, hardware: 'cpu' },
  );
const at = (version: string, price: number, ...models: ReturnType<typeof model>[]) => ({
  models,
  prices: priceByArea(version, models, () => price),
});
const INPUT = { width: 64, height: 64, num_outputs: 1 };

describe('createOffer', () => {
  it('replaces models, versions, aliases and prices together', () => {
    const { catalog, pricing, replace } = createOffer(at('a', 7, model('acme/one', 'd1')), {
      'gpt-image-1': 'acme/two',
    });
    expect(catalog.find('gpt-image-1')).toBeUndefined();
    expect(() => pricing.quote('acme/two', INPUT)).toThrow('acme/two has no price');

    replace(at('b', 9, model('acme/one', 'd2'), model('acme/two', 'd3')));
    expect(catalog.models.map(({ name }) => name)).toEqual(['acme/one', 'acme/two']);
    expect(catalog.aliases.map(({ alias }) => alias)).toEqual(['gpt-image-1']);
    expect(catalog.find('gpt-image-1')?.name).toBe('acme/two');
    expect(catalog.resolve('acme/one:d1')).toBeUndefined();
    expect(catalog.resolve('d2')?.name).toBe('acme/one');
    expect(pricing.version).toBe('b');
    expect(pricing.quote('acme/one', INPUT).total).toBe(9);
    expect(pricing.classes('acme/two')).toHaveLength(2);

    expect(leastPrice(catalog, pricing)).toBe(9);
    replace(at('c', 9, model('acme/two', 'd3')));
    expect(catalog.find('acme/one')).toBeUndefined();
  });
});
