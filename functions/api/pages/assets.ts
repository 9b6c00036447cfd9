import { createHash } from 'node:crypto';

/** The pages' script and style, under names that change with their content. */
export interface PageAssets {
  readonly script: Asset;
  readonly style: Asset;
}

export interface Asset {
  /** The path it is served under. */
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

/** Names the built texts by their content, so that browsers may cache them forever. */
export function nameAssets(script: string, style: string): PageAssets {
  return {
    script: asset(script, 'js', 'text/javascript; charset=utf-8'),
    style: asset(style, 'css', 'text/css; charset=utf-8'),
  };
}

function asset(text: string, extension: string, contentType: string): Asset {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { path: `/assets/onestep-${hash}.${extension}`, contentType, text };
}
