import { expect, it } from 'vitest';
import { deployedPrices } from '#shared/adapters/aws/model-catalog.ts';
import { microUsd } from '#shared/core/money.ts';
import { offerModel } from '#shared/service/domain/model-offer.ts';

const versionOf = ({ price = 4000, side = 1024, draft = false }): string => {
  const deployed = { name: 'a/b', digest: 'd', endpoint: 'e', maxInstances: 1 };
  const offer = { name: 'a/b', description: '', createdAt: 0, hardware: 'h' };
  const size = { defaultWidth: side, defaultHeight: side, multiple: 8 };
  const facts = { digest: 'd', size, licences: [], ...(draft && { draft: {} }) };
  const models = [{ ...deployed, price: microUsd(price) }];
  return deployedPrices(models, [offerModel(facts, offer)]).version;
};

it('gives every change of a price another version, of drafts and of sizes, too', () => {
  const changes = [{}, { price: 5000 }, { side: 512 }, { draft: true }];
  expect(new Set(changes.map(versionOf)).size).toBe(changes.length);
  expect(versionOf({})).toBe(versionOf({}));
});
