import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

type C2pa = typeof import('@contentauth/c2pa-wasm');

let loading: Promise<C2pa> | undefined;

/** The C2PA library, by which files are checked: loaded once. */
export function loadC2pa(): Promise<C2pa> {
  loading ??= load().catch((error: unknown) => {
    // The next image may have more luck.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<C2pa> {
  const c2pa = await import('@contentauth/c2pa-wasm');
  const require = createRequire(import.meta.url);
  const code = await readFile(require.resolve('@contentauth/c2pa-wasm/c2pa.wasm'));
  await c2pa.default({ module_or_path: code });
  return c2pa;
}
