import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { cacheFolder, installOnce, runToEnd } from '#test/helpers/install-once.ts';

/** A chain, a compiler and a token's source. No dependencies: the chain's binary is for one platform. */
const TOOLS = [
  '@foundry-rs/anvil-linux-amd64@1.7.1',
  'solc@0.8.37',
  '@openzeppelin/contracts@5.7.0',
] as const;

declare module 'vitest' {
  interface ProvidedContext {
    /** A `node_modules` with the tools. */
    paymentTools: string;
  }
}

/** Installs the tools outside the tree, once. */
export async function setup(project: TestProject): Promise<void> {
  const name = TOOLS.join('-').replaceAll(/[^\w.-]/g, '-');
  const folder = join(cacheFolder('onestep-payments'), name);
  await installOnce(folder, (empty) =>
    runToEnd('npm', ['install', '--silent', '--ignore-scripts', '--prefix', empty, ...TOOLS]),
  );
  project.provide('paymentTools', join(folder, 'node_modules'));
}
