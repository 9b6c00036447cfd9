import { nameAssets, type PageAssets } from './assets.ts';

/** Defined in a bundle when it is built, undefined in a checkout. */
declare const ONESTEP_PAGE_ASSETS: { readonly script: string; readonly style: string } | undefined;

/** The pages' script and style: those of the bundle, or built from the sources of a checkout. */
export async function pageAssets(): Promise<PageAssets> {
  if (typeof ONESTEP_PAGE_ASSETS !== 'undefined') {
    return nameAssets(ONESTEP_PAGE_ASSETS.script, ONESTEP_PAGE_ASSETS.style);
  }
  const { buildPageAssets } = await import('./build-assets.ts');
  const { script, style } = await buildPageAssets();
  return nameAssets(script, style);
}
