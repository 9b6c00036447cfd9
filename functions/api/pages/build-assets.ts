import { fileURLToPath } from 'node:url';
import { assert } from '#shared/core/errors.ts';

const SOURCES = fileURLToPath(new URL('../browser', import.meta.url));

/** Bundles the pages' script and style from their sources: when something is built, or in a test. */
export async function buildPageAssets(
  sources = SOURCES,
): Promise<{ script: string; style: string }> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [`${sources}/main.tsx`, `${sources}/style.css`],
    outdir: sources,
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
