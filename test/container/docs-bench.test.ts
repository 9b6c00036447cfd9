import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PEERS_FOLDER } from '#test/bench/peers/peers.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';

/**
 * What docs/engine-performance.md measures. `npm run test:docs` runs its lines as printed, which takes an
 * hour and gigabytes. Otherwise they run at a smaller scale: the demo model in place of SDXL's size, small
 * pictures, and for the peers a Python that draws nothing. That shows that commands and options are there
 * and that reports come; it can't show that SDXL's size fits, nor that the peers draw.
 */
const AS_PRINTED = process.env['ONESTEP_DOCS_AS_PRINTED'] === '1';
const SMALLER = [
  [/--shape sdxl --size \d+/, '--shape demo --size 64'],
  [/--side \d+/, '--side 64 --shape demo'],
] as const;
const PEER = `#!/bin/sh
cat >/dev/null
echo "$@" >>"$0.words"
echo '{"kind":"'$2'","unet":[1],"decoderSeconds":[1],"peakRssBytes":1}'
`;

const execute = promisify(execFile);
const lines = blocksRunBy(import.meta.filename).flatMap(({ document, line, code }) =>
  code
    .trim()
    .split('\n')
    .map((command, index) => [`${document}:${line + 1 + index}`, command] as const),
);

let cache: string;
let python: string;
beforeAll(() => {
  cache = temporaryFolder();
  const folder = join(cache, PEERS_FOLDER);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, '.installed'), '');
  python = join(folder, 'bin', 'python');
  writeFileSync(python, PEER);
  chmodSync(python, 0o755);
});
afterAll(() => removeFolder(cache));

function smaller(command: string): string {
  const changed = SMALLER.reduce((text, [from, to]) => text.replace(from, to), command);
  expect(changed, 'what is large is made smaller').not.toBe(command);
  return changed;
}

test.each(lines)(
  '%s',
  async (_, command) => {
    const env = { ...process.env, ONESTEP_SKIP_INSTALL: '1' };
    const words = ['--norc', '-euo', 'pipefail', '-c'];
    const code = AS_PRINTED ? command : smaller(command);
    const { stdout } = await execute('bash', [...words, code], {
      cwd: ROOT,
      env: AS_PRINTED ? env : { ...env, XDG_CACHE_HOME: cache },
      maxBuffer: 2 ** 26,
    });
    if (command.includes('bench engine')) {
      const { warmMs } = JSON.parse(stdout) as { warmMs: { total: number } };
      expect(warmMs.total).toBeGreaterThan(0);
      return;
    }
    expect(stdout).toMatch(/openvino-bf16 +UNet [\d.]+/);
    expect(stdout).toMatch(/onestep-int8 +best [\d.]+ s \([\d.]+\), rounds/);
    if (AS_PRINTED) return;
    const asked = readFileSync(`${python}.words`, 'utf8').trim().split('\n').at(-1);
    const decoder = /--decoder (\w+)/.exec(command)?.[1] ?? 'vae';
    expect(asked).toMatch(new RegExp(`peer\\.py openvino-bf16 ${decoder} 64 2 \\d+$`));
  },
  AS_PRINTED ? 7_200_000 : 120_000,
);
