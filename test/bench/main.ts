import { parseArgs } from 'node:util';
import { apiBench } from './api.ts';
import { bundlesBench } from './bundles.ts';
import { drawingBench } from './drawing.ts';
import { markingBench } from './marking/marking.ts';
import { outageBench } from './outage.ts';
import { peersBench } from './peers/peers.ts';
import { sessionsBench } from './sessions.ts';
import { streamsBench } from './streams.ts';
import { watermarkBench } from './watermark/watermark.ts';
import { yearBench } from './year.ts';

/**
 * `npm run -s bench -- api|bundles|drawing|marking|outage|peers|sessions|streams|watermark|year [--json]`: what a
 * developer of Onestep measures.
 */
const BENCHES = {
  api: apiBench,
  bundles: bundlesBench,
  drawing: drawingBench,
  marking: markingBench,
  outage: outageBench,
  peers: peersBench,
  sessions: sessionsBench,
  streams: streamsBench,
  watermark: watermarkBench,
  year: yearBench,
};

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean' },
    pictures: { type: 'string' },
    side: { type: 'string' },
    shape: { type: 'string' },
    turns: { type: 'string' },
    rounds: { type: 'string' },
    decoder: { type: 'string' },
    kinds: { type: 'string' },
    unmarked: { type: 'string' },
    days: { type: 'string' },
    images: { type: 'string' },
    minutes: { type: 'string' },
    predictions: { type: 'string' },
    against: { type: 'string' },
    jobs: { type: 'string' },
  },
  allowPositionals: true,
});
const [name = ''] = positionals;
if (!Object.hasOwn(BENCHES, name)) {
  process.stderr.write(`Name what to measure: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(2);
}
const { json = false, ...options } = values;
const { stdout, stderr } = process;
await BENCHES[name as keyof typeof BENCHES].run({ json, options, stdout, stderr });
