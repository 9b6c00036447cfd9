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
  readonly content: string | Uint8Array<ArrayBuffer>;
}

/** Names the built texts by their content, so that browsers may cache them forever. */
export function nameAssets(script: string, style: string): PageAssets {
  return {
    script: asset(script, 'js', 'text/javascript; charset=utf-8'),
    style: asset(style, 'css', 'text/css; charset=utf-8'),
  };
}

/** Served under a path that changes with the content. */
export function asset(content: Asset['content'], extension: string, contentType: string): Asset {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return { path: `/assets/onestep-${hash}.${extension}`, contentType, content };
}
