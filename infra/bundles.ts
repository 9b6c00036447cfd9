import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { buildPageAssets } from '#functions/api/pages/build-assets.ts';
import { X402_PACKAGES, x402NotInstalled } from '#shared/adapters/x402/load-x402.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every Lambda function, and the file that it starts in. */
export const ENTRIES = {
  edge: 'functions/edge/main.ts',
  api: 'functions/api/main.ts',
  dispatch: 'functions/dispatch/main.ts',
  complete: 'functions/complete/main.ts',
  webhooks: 'functions/webhooks/main.ts',
  sweep: 'functions/sweep/main.ts',
  inspect: 'functions/inspect/main.ts',
  'kill-switch': 'infra/handlers/kill-switch/main.ts',
  'package-check': 'infra/handlers/package-check/main.ts',
} as const;

export type BundleName = keyof typeof ENTRIES;
export const BUNDLE_NAMES = Object.keys(ENTRIES) as BundleName[];

/** Packages that bring WebAssembly, beside the function that reads images: the same on every machine. */
const INSPECT_PACKAGES = [
  '@contentauth/c2pa-wasm',
  'sharp',
  '@img/sharp-wasm32',
  '@img/colour',
  '@emnapi/runtime',
  'detect-libc',
  'semver',
  'tslib',
];

const X402_NAMES = Object.keys(X402_PACKAGES);
const STRIPE = 'stripe';

const packageFolder = (name: string): string => join(ROOT, 'node_modules', name);

/** Packages in node_modules whose CommonJS code calls `require` need one in an ES module. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);";

export interface Bundle {
  /** A folder with `index.mjs`, and its source map but for the edge. */
  readonly folder: string;
  /** The size of `index.mjs`. */
  readonly sizeBytes: number;
}

/**
 * Bundles one function for nodejs24.x into a folder that is named by its contents, so that equal code
 * gives an equal folder and nothing is written twice.
 *
 * @param define identifiers replaced in the code, as esbuild's `define`; the edge gets its settings so
 * @param takesPayments whether the packages of x402 are in it, which are not in any other deployment
 * @param sellsByCard whether Stripe's package is in it, which is in no other deployment either
 * @throws AppError `invalid-request` where they are to be and are not installed
 */
export async function bundleFunction(
  name: BundleName,
  define: Readonly<Record<string, string>> = {},
  takesPayments = false,
  sellsByCard = false,
): Promise<Bundle> {
  // The pages' script and style are written into the API's code.
  const pages =
    name === 'api' ? { ONESTEP_PAGE_ASSETS: JSON.stringify(await buildPageAssets()) } : {};
  if (takesPayments) assertX402Installed();
  const absent = [...(takesPayments ? [] : X402_NAMES), ...(sellsByCard ? [] : [STRIPE])];
  const result = await build(buildOptions(name, { ...define, ...pages }, absent));
  const files = (result.outputFiles ?? []).map((file) => ({
    name: file.path.endsWith('.map') ? 'index.mjs.map' : 'index.mjs',
    contents: file.contents,
  }));
  const packages = name === 'inspect' ? INSPECT_PACKAGES : [];
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.name).update(file.contents);
  for (const one of packages) hash.update(readFileSync(join(packageFolder(one), 'package.json')));
  const folder = join(ROOT, '.onestep', 'bundles', `${name}-${hash.digest('hex').slice(0, 32)}`);
  writeFolder(folder, files, packages);
  const sizeBytes = files.find((file) => file.name === 'index.mjs')?.contents.length ?? 0;
  return { folder, sizeBytes };
}

/** Bundles every function. */
export async function bundleAll(
  edgeSettings: Readonly<Record<string, string>>,
): Promise<Readonly<Record<BundleName, Bundle>>> {
  const bundles = await Promise.all(
    BUNDLE_NAMES.map(async (name) => [
      name,
      await bundleFunction(
        name,
        name === 'edge' ? edgeDefine(edgeSettings) : {},
        edgeSettings['X402'] === '1',
        edgeSettings['STRIPE'] === '1',
      ),
    ]),
  );
  return Object.fromEntries(bundles);
}

/** Lambda@Edge has no environment: its settings are written into the code as a JSON object. */
export function edgeDefine(settings: Readonly<Record<string, string>>): Record<string, string> {
  return { ONESTEP_EDGE_SETTINGS: JSON.stringify(settings) };
}

/** Says what to install, where esbuild would only say what it did not find. */
function assertX402Installed(): void {
  const missing = X402_NAMES.filter((name) => !existsSync(packageFolder(name)));
  if (missing.length > 0) throw x402NotInstalled({ folder: ROOT });
}

function buildOptions(
  name: BundleName,
  define: Readonly<Record<string, string>>,
  absent: readonly string[],
): BuildOptions {
  return {
    absWorkingDir: ROOT,
    entryPoints: [ENTRIES[name]],
    outfile: 'index.mjs',
    write: false,
    bundle: true,
    minify: true,
    // Names of errors and of pino's serialisers are read at run time.
    keepNames: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    conditions: ['node', 'import'],
    banner: { js: REQUIRE_BANNER },
    // Lambda@Edge caps the bundle's size and has nowhere to read a map from.
    sourcemap: name === 'edge' ? false : 'linked',
    sourcesContent: false,
    legalComments: 'none',
    // A checkout builds its pages when it runs; a bundle has them in it.
    external: ['esbuild', ...INSPECT_PACKAGES, ...absent],
    define,
    logLevel: 'silent',
  };
}

/** Writes the folder whole or not at all; one that is there already has the same contents. */
function writeFolder(
  folder: string,
  files: readonly { readonly name: string; readonly contents: Uint8Array }[],
  packages: readonly string[],
): void {
  if (existsSync(folder)) return;
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  for (const file of files) writeFileSync(join(temporary, file.name), file.contents);
  for (const name of packages) {
    const isNeeded = (path: string) => !/[/\\]src$|[.]map$/.test(path);
    const target = join(temporary, 'node_modules', name);
    cpSync(packageFolder(name), target, { recursive: true, filter: isNeeded });
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}
