import { parseArgs } from 'node:util';
import { apiBench } from './api.ts';
import { bundlesBench } from './bundles.ts';
import { watermarkBench } from './watermark/watermark.ts';

/** `npm run -s bench -- api|bundles|watermark [--json]`: what a developer of Onestep measures. */
const BENCHES = { api: apiBench, bundles: bundlesBench, watermark: watermarkBench };

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean' },
    pictures: { type: 'string' },
    side: { type: 'string' },
    unmarked: { type: 'string' },
  },
  allowPositionals: true,
});
const [name = ''] = positionals;
if (name !== 'api' && name !== 'bundles' && name !== 'watermark') {
  process.stderr.write(`Name what to measure: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}
const { json = false, ...options } = values;
const { stdout, stderr } = process;
await BENCHES[name].run({ json, options, stdout, stderr });
