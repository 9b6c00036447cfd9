// Compiles functions/ and shared/ to the JavaScript that runs. Plain JavaScript, because nothing that it
// could be compiled with is there yet.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Compiled elsewhere, or run as it is: the browser's part, and the command line's way in. */
const LEFT_OUT = /^functions\/(api\/browser\/|cli\/[\w-]+\.mjs$)/;
/** Compiled with the pages' script and style in it, which another file builds. */
const PAGE_ASSETS = 'functions/api/pages/page-assets.ts';
const ASSETS_BUILDER = 'functions/api/pages/build-assets';
const BROWSER = 'functions/api/browser';
/** A file's name in an import, or in the URL of a program that is started. */
const FILE_NAME = /(['"])((?:\.{1,2}|#shared|#functions)\/[^'"\n]+)\.tsx?\1/g;
/** What a process loads before a program where the sources are TypeScript. */
const LOADER = 'no-typescript.mjs';

/** The files below `functions` and `shared`, by their paths in the checkout. */
export function sourceFiles(root) {
  return ['functions', 'shared'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  );
}

/** Where a source is found once it is compiled; undefined for one that is not. */
export const compiledName = (file) =>
  LEFT_OUT.test(file) ? undefined : file.replace(/\.tsx?$/, '.js');

/** Writes a file as a whole: a process that reads it meanwhile has the old one or the new one. */
export function replaceFile(path, text) {
  const temporary = `${path}.${process.pid}.part`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/**
 * Compiles files one by one, and puts the pages' script and style into the file that serves them.
 *
 * @param {string} root the checkout
 * @param {string} out the folder that the same tree is written to
 * @param {{ files?: readonly string[], sourceMaps?: boolean }} [options] which files, all where absent;
 *   whether errors name the lines of the sources
 */
export async function compile(root, out, { files = sourceFiles(root), sourceMaps = false } = {}) {
  const { build } = await import('esbuild');
  const write = (file, text) => replaceFile(join(out, file), text);
  const compileSome = async (entryPoints, define = {}) => {
    if (entryPoints.length === 0) return;
    const { outputFiles } = await build({
      ...{ absWorkingDir: root, entryPoints, outbase: '.', outdir: out, write: false, define },
      ...{ format: 'esm', target: 'node20', logLevel: 'warning' },
      ...{ sourcemap: sourceMaps ? 'inline' : false, sourcesContent: false },
    });
    for (const { path, text } of outputFiles) write(path.slice(out.length + 1), renamed(text));
  };

  const setup = sourceMaps ? 'process.setSourceMapsEnabled(true);\n' : '';
  write(LOADER, `${setup}export const register = () => undefined;\n`);
  write('package.json', `${JSON.stringify(PACKAGE, null, 2)}\n`);
  const kept = files.filter((file) => compiledName(file) !== undefined);
  await compileSome(kept.filter((file) => /\.tsx?$/.test(file) && file !== PAGE_ASSETS));
  for (const file of kept.filter((file) => !/\.tsx?$/.test(file)))
    write(file, renamed(readFileSync(join(root, file), 'utf8')));
  const { buildPageAssets } = await import(pathToFileURL(join(out, `${ASSETS_BUILDER}.js`)).href);
  const assets = JSON.stringify(await buildPageAssets(join(root, BROWSER)));
  await compileSome([PAGE_ASSETS], { ONESTEP_PAGE_ASSETS: assets });
}

/** The import map of what is compiled, in which there is no TypeScript to load. */
const PACKAGE = {
  type: 'module',
  imports: {
    '#shared/*': './shared/*',
    '#functions/*': './functions/*',
    '#typescript': `./${LOADER}`,
    '#typescript-loader': `./${LOADER}`,
  },
};

const renamed = (text) => text.replaceAll(FILE_NAME, '$1$2.js$1');
