import { defined } from '#shared/core/defined.ts';
import type { CatalogModel } from './catalog.ts';

type Licence = CatalogModel['licences'][number];

/** Texts of the licences that models come under, by the names that model cards use (lower case). */
const KNOWN: Readonly<Record<string, string>> = {
  mit: 'https://opensource.org/license/mit',
  'apache-2.0': 'https://www.apache.org/licenses/LICENSE-2.0',
  'openrail++':
    'https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md',
  'cc-by-4.0': 'https://creativecommons.org/licenses/by/4.0/legalcode',
  'cc-by-nc-4.0': 'https://creativecommons.org/licenses/by-nc/4.0/legalcode',
};

const HTTP = /^https?:\/\//;

/**
 * The licences with a link to each text: the one that the package states, else that of a licence
 * which is known by its name. A card may state a path of its own repository, which leads nowhere here.
 */
export function withLicenceLinks(licences: readonly Licence[]): readonly Licence[] {
  return licences.map(({ part, name, url }) => {
    const known = KNOWN[name.trim().toLowerCase()];
    const link = url !== undefined && HTTP.test(url) ? url : known;
    return { part, name, ...defined({ url: link }) };
  });
}

/**
 * The one licence that a model goes under, for places that show only one: that of its UNet where it
 * has one of its own, which is what makes the pictures, else that of its repository.
 */
export function leadingLicence(licences: readonly Licence[]): Licence | undefined {
  return licences.find(({ part }) => part === 'unet') ?? licences[0];
}
