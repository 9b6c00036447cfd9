import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundleAll } from './bundles.ts';

/** Prints each function's bundle, as the deployment has it, as one line of JSON. */
const bundles = await bundleAll({
  MAC_SECRET_ARN: 'onestep-dev-mac',
  MAC_SECRET_REGION: 'us-east-1',
});
const report = Object.entries(bundles).map(([name, { folder, sizeBytes }]) => {
  const file = join(folder, 'index.mjs');
  return { name, file, sizeBytes, gzipBytes: gzipSync(readFileSync(file)).length };
});
process.stdout.write(`${JSON.stringify(report)}\n`);
