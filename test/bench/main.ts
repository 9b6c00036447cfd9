import { parseArgs } from 'node:util';
import { apiBench } from './api.ts';
import { bundlesBench } from './bundles.ts';

/** `npm run -s bench -- api|bundles [--json]`: what a developer of Onestep measures. */
const BENCHES = { api: apiBench, bundles: bundlesBench };

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean' } },
  allowPositionals: true,
});
const [name = ''] = positionals;
if (name !== 'api' && name !== 'bundles') {
  process.stderr.write(`Name what to measure: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}
const { stdout, stderr } = process;
await BENCHES[name].run({ json: values.json === true, stdout, stderr });
