import { fileURLToPath } from 'node:url';
import { assert } from '#shared/core/errors.ts';

const SOURCES = fileURLToPath(new URL('../browser', import.meta.url));

/** Bundles the pages' script and style from their sources: at build time, or when a checkout runs. */
export async function buildPageAssets(): Promise<{ script: string; style: string }> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [`${SOURCES}/main.tsx`, `${SOURCES}/style.css`],
    outdir: SOURCES,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'hono/jsx/dom',
    logLevel: 'silent',
  });
  const text = (extension: string) => {
    const file = outputFiles.find(({ path }) => path.endsWith(extension));
    assert(file !== undefined, `the bundle has a ${extension} file`);
    return file.text;
  };
  return { script: text('.js'), style: text('.css') };
}
