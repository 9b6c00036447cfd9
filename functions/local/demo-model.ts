import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defined } from '#shared/core/defined.ts';
import { MANIFEST_FILE } from '#shared/engine/package/manifest.ts';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';

const SOURCE = fileURLToPath(new URL('../../models/demo', import.meta.url));
const REPOSITORY = join(SOURCE, 'repo');
/** The demo model's first tokenizer; its second differs in padding alone. */
export const DEMO_TOKENIZER = join(REPOSITORY, 'tokenizer');
const UNET = join(SOURCE, 'onestep_unet.bin');

/**
 * The demo model's package in the data folder; imported (a fraction of a second) when it is not there
 * yet, or older than the files that it is made from.
 *
 * @param dataFolder where packages are kept, under `models/`
 * @param options.signal stops the import; nothing is left behind
 * @param options.dtype `fp16` for a GPU, which Lambda can read as well. @default fp32
 */
export async function ensureDemoModel(
  dataFolder: string,
  options: {
    readonly signal?: AbortSignal;
    readonly onImport?: () => void;
    readonly dtype?: 'fp32' | 'fp16';
  } = {},
): Promise<string> {
  const { dtype = 'fp32' } = options;
  const name = dtype === 'fp32' ? `demo-${ENGINE_VERSION}` : `demo-${ENGINE_VERSION}-${dtype}`;
  const folder = join(dataFolder, 'models', name);
  const manifest = statSync(join(folder, MANIFEST_FILE), { throwIfNoEntry: false });
  if (manifest !== undefined && manifest.mtimeMs > newestSource()) return folder;
  options.onImport?.();
  const { importModel } = await import('#shared/engine/package/import-model.ts');
  await importModel({
    repository: REPOSITORY,
    unet: UNET,
    dtype,
    out: folder,
    name: 'demo',
    licences: [
      { part: 'repository', name: 'MIT' },
      { part: 'unet', name: 'MIT' },
    ],
    processId: process.pid,
    ...defined({ signal: options.signal }),
  });
  return folder;
}

function newestSource(): number {
  const files = readdirSync(REPOSITORY, { recursive: true, encoding: 'utf8' });
  const paths = [UNET, ...files.map((file) => join(REPOSITORY, file))];
  return Math.max(...paths.map((path) => statSync(path).mtimeMs));
}
