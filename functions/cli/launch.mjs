#!/usr/bin/env node
// The way into the command line. In a checkout it sees that the packages are there and that what has
// changed is compiled, then runs that in this same process: a second one would cost a fifth of a second on
// every command. A package made by "npm run package" is compiled, and its packages came with it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installPackages, needsCdk } from './packages.mjs';
import { prepareProject, runsInProject } from './project-copy.mjs';

// On AWS the functions run on Node 24: what the SDK thinks of this machine's Node does not matter.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isCheckout = existsSync(`${root}functions/cli/main.ts`);
if (isCheckout) {
  installPackages(needsCdk(process.argv.slice(2)));
  const { compileCheckout } = await import('./checkout.mjs');
  const compiled = await compileCheckout(root.replace(/\/$/, ''));
  process.env.ONESTEP_PROJECT ||= root;
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(join(compiled, 'functions/cli/main.js')).href);
} else {
  await runPackage();
}

async function runPackage() {
  const main = new URL('../../dist/functions/cli/main.js', import.meta.url);
  if (!existsSync(main)) {
    process.stderr.write(
      'This package was packed without its code: pack it by "npm run package".\n',
    );
    process.exit(1);
  }
  const { removeForeignBinaries } = await import('./foreign-binaries.mjs');
  removeForeignBinaries(root);
  const words = process.argv.slice(2);
  if (runsInProject(words[0])) prepareProject(`${root}dist`, needsCdk(words));
  await import(main);
}
