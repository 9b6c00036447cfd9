import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '#test/helpers/root.ts';

/** Ends the process at the first connection to anywhere, and at the first look-up of a name. */
const NO_NETWORK = `
import net from 'node:net';
import dns from 'node:dns';
const refuse = (what) => { console.error('NETWORK: ' + what); process.exit(97); };
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...words) {
  const [first] = words.flat();
  if (typeof first === 'string' || first?.path !== undefined) return connect.apply(this, words);
  return refuse('connect ' + JSON.stringify(first));
};
dns.lookup = (name) => refuse('lookup ' + name);
`;

let folder: string;
let run: ReturnType<typeof spawnSync>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-synth-'));
  const guard = join(folder, 'no-network.mjs');
  writeFileSync(guard, NO_NETWORK);
  run = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/aws-cdk/bin/cdk'),
      'synth',
      '--quiet',
      '--output',
      join(folder, 'out'),
    ],
    {
      cwd: ROOT,
      encoding: 'utf8',
      // No credentials, no home to find any in, and a PATH with node and without Docker.
      env: {
        HOME: folder,
        PATH: `${dirname(process.execPath)}:/bin`,
        NODE_OPTIONS: `--import ${guard}`,
        AWS_EC2_METADATA_DISABLED: 'true',
        CI: 'true',
      },
    },
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('cdk synth, with the committed cdk.json alone', () => {
  it('works offline, without credentials and Docker', () => {
    expect(run.stderr).not.toContain('NETWORK');
    expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
    const templates = readdirSync(join(folder, 'out')).filter((name) =>
      /template\.json$/.test(name),
    );
    expect(templates).toHaveLength(6);
  });

  it('bundles every function as one ES module, the edge with its settings in it', () => {
    const assets = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('asset.'));
    const entries = assets.flatMap((name) => {
      const path = join(folder, 'out', name);
      return name.includes('.json') || !readdirSync(path).includes('index.mjs')
        ? []
        : [readFileSync(join(path, 'index.mjs'), 'utf8')];
    });
    expect(entries).toHaveLength(9);
    for (const entry of entries) expect(entry).toContain('handler');
    expect(entries.filter((entry) => entry.includes('onestep-dev-mac'))).toHaveLength(1);
  });
});
