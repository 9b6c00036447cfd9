import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

/** Compiled elsewhere, or shipped as it is: the browser's part, and the command line's way in. */
const LEFT_OUT = /^functions\/(api\/browser\/|cli\/[\w-]+\.mjs$)/;
/** A file's name in an import, or in the URL of a program that is started. */
const FILE_NAME = /(['"])((?:\.{1,2}|#shared|#functions)\/[^'"\n]+)\.tsx?\1/g;

/**
 * Compiles functions/ and shared/, file by file, and puts the pages' script and style into the file that
 * serves them.
 *
 * @param {string} root the checkout
 * @param {string} out the folder that the same tree is written to
 */
export async function compile(root, out) {
  const files = ['functions', 'shared']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => !LEFT_OUT.test(file));
  const { buildPageAssets } = await import(`${root}/functions/api/pages/build-assets.ts`);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: files.filter((file) => /\.tsx?$/.test(file)),
    outbase: '.',
    outdir: out,
    write: false,
    format: 'esm',
    target: 'node20',
    define: { ONESTEP_PAGE_ASSETS: JSON.stringify(await buildPageAssets()) },
    logLevel: 'warning',
  });
  const programs = files
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => ({ path: join(out, file), text: readFileSync(join(root, file), 'utf8') }));
  for (const { path, text } of [...outputFiles, ...programs]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll(FILE_NAME, '$1$2.js$1'));
  }
}

/** The files below a folder of the checkout, by their paths in it. */
function filesBelow(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
