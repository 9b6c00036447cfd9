import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importModel } from '#shared/engine/package/import-model.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { fromRoot } from './root.ts';

const DEMO = fromRoot('models/demo');

export interface DemoPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  remove(): void;
}

/** The demo model as a package of its own, in a temporary folder. */
export async function importDemo(dtype: Manifest['dtype'] = 'fp32'): Promise<DemoPackage> {
  const root = mkdtempSync(join(tmpdir(), 'onestep-demo-'));
  const folder = join(root, 'demo');
  const manifest = await importModel({
    repository: join(DEMO, 'repo'),
    unet: join(DEMO, 'onestep_unet.bin'),
    dtype,
    out: folder,
    name: 'demo',
    processId: process.pid,
  });
  return { folder, manifest, remove: () => rmSync(root, { recursive: true, force: true }) };
}
