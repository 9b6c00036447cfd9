import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installDebian } from '#test/helpers/install-debian.ts';
import { cacheFolder, installOnce, installPython } from '#test/helpers/install-once.ts';

const CLIENTS = [
  'replicate==1.0.7',
  'openai==3.57.0',
  'c2pa-python==0.38.0',
  'schemathesis==4.32.5',
];

declare module 'vitest' {
  interface ProvidedContext {
    /** The interpreter that finds the clients. */
    python: string;
  }
}

/** The stock Python clients, in a virtual environment outside the tree, and ImageMagick. */
export async function setup(project: TestProject): Promise<void> {
  await installDebian({ identify: 'imagemagick' });
  const folder = join(cacheFolder('onestep-python'), CLIENTS.join('-').replaceAll('==', '-'));
  await installOnce(folder, (empty) => installPython(empty, CLIENTS));
  project.provide('python', join(folder, 'bin', 'python'));
}
