import { type MicroUsd, microUsd } from '#shared/core/money.ts';
import { type Catalog, type CatalogModel, createCatalog, type ModelAliases } from './catalog.ts';
import { createPricing, type PriceBook, type Pricing } from './pricing.ts';

/** The models on offer, and what each costs. */
export interface Offered {
  readonly models: readonly CatalogModel[];
  readonly prices: PriceBook;
}

export interface Offer {
  readonly catalog: Catalog;
  readonly pricing: Pricing;
  /** Models and prices change together: no order meets a model without its price. */
  replace(next: Offered): void;
}

/** What the cheapest order costs now. */
export function leastPrice({ models }: Catalog, pricing: Pricing): MicroUsd {
  const classes = models.flatMap(({ name }) => pricing.classes(name));
  return microUsd(Math.min(...classes.map(({ perImage }) => perImage)));
}

/** A catalogue and its prices, which may be replaced while requests are answered. */
export function createOffer(first: Offered, aliases: ModelAliases = {}): Offer {
  const build = ({ models, prices }: Offered) => ({
    catalog: createCatalog(models, aliases),
    pricing: createPricing(prices),
  });
  let current = build(first);
  return {
    catalog: {
      get models() {
        return current.catalog.models;
      },
      get aliases() {
        return current.catalog.aliases;
      },
      find: (name) => current.catalog.find(name),
      resolve: (reference) => current.catalog.resolve(reference),
    },
    pricing: {
      get version() {
        return current.pricing.version;
      },
      quote: (model, input) => current.pricing.quote(model, input),
      classes: (model) => current.pricing.classes(model),
    },
    replace(next) {
      current = build(next);
    },
  };
}
