import { nameAssets, type PageAssets } from './assets.ts';

/** Defined where it was compiled or bundled, undefined in a test. */
declare const ONESTEP_PAGE_ASSETS: { readonly script: string; readonly style: string } | undefined;

/** The pages' script and style: compiled into this file, or built from their sources. */
export async function pageAssets(): Promise<PageAssets> {
  if (typeof ONESTEP_PAGE_ASSETS !== 'undefined') {
    return nameAssets(ONESTEP_PAGE_ASSETS.script, ONESTEP_PAGE_ASSETS.style);
  }
  const { buildPageAssets } = await import('./build-assets.ts');
  const { script, style } = await buildPageAssets();
  return nameAssets(script, style);
}
