import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SDXL_CONFIGS, TAESDXL_CONFIG } from '#functions/cli/bench/sdxl-shape.ts';
import { withInterrupt } from '#functions/cli/interrupt.ts';
import type { Bench, BenchIo } from '#test/bench/bench.ts';
import { cacheFolder, installOnce, installPython } from '#test/helpers/install-once.ts';
import { fromRoot } from '#test/helpers/root.ts';
import { type Drawn, drawOnestep, isOnestep, makePackages, ONESTEP_KINDS } from './onestep.ts';
import { type PeerReport, reportLine, standingLine, standings } from './peer-report.ts';

/** What is measured beside us, and what each needs. */
const PACKAGES = [
  'torch==2.15.0',
  'diffusers==0.42.1',
  'transformers==5.24.0',
  'openvino==2026.4.1',
];
/** Below the folder for what is installed once. */
export const PEERS_FOLDER = join('onestep-peers', PACKAGES.join('-').replaceAll('==', '-'));
const KINDS = [
  'diffusers-fp32',
  'diffusers-bf16',
  'diffusers-bf16-channels-last',
  'openvino-bf16',
  ...Object.keys(ONESTEP_KINDS),
];

/** Two rounds: the second says how steady the machine was. */
const DEFAULT_ROUNDS = 2;
const DEFAULT_SIDE = 1024;
const DEFAULT_PICTURES = 2;

/** The peers of `docs/engine-performance.md` and Onestep, by turns, each in a process of its own. */
export const peersBench: Bench = {
  summary: 'SDXL in diffusers, OpenVINO and Onestep on this CPU: seconds of UNet and decoder',
  run: (io) => withInterrupt('bench', (signal) => measure(io, signal)),
};

async function measure({ json, options = {}, stdout, stderr }: BenchIo, signal: AbortSignal) {
  const kinds = options['kinds']?.split(',') ?? KINDS;
  const unknown = kinds.find((kind) => !KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`--kinds: ${unknown} is none of ${KINDS.join(', ')}`);
  const drawn: Drawn = {
    side: Number(options['side'] ?? DEFAULT_SIDE),
    pictures: Number(options['pictures'] ?? DEFAULT_PICTURES),
    decoder: options['decoder'] === 'tiny' ? 'tiny' : 'vae',
    // The peers draw with SDXL's size always; `demo` only tries whether the bench works.
    shape: options['shape'] === 'demo' ? 'demo' : 'sdxl',
  };
  const folder = mkdtempSync(join(tmpdir(), 'onestep-peers-'));
  try {
    const ours = kinds.filter(isOnestep);
    const python = ours.length < kinds.length ? await installPeers() : '';
    if (ours.length > 0) await makePackages(ours, drawn, folder, signal);
    const reports: PeerReport[] = [];
    for (let round = 0; round < Number(options['rounds'] ?? DEFAULT_ROUNDS); round += 1) {
      for (const kind of kinds) {
        const report = isOnestep(kind)
          ? await drawOnestep(kind, drawn, folder, signal)
          : await runPeer(python, kind, drawn, signal);
        reports.push(report);
        stderr.write(`${reportLine(report)}\n`);
      }
    }
    const summary = standings(reports).map((standing) => `${standingLine(standing)}\n`);
    const lines = reports.map((report) => `${reportLine(report)}\n`);
    stdout.write(json ? `${JSON.stringify(reports)}\n` : [...lines, ...summary].join(''));
    if (json) stderr.write(summary.join(''));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The peers' Python. */
async function installPeers(): Promise<string> {
  const folder = cacheFolder(PEERS_FOLDER);
  await installOnce(folder, (empty) => installPython(empty, PACKAGES));
  return join(folder, 'bin', 'python');
}

async function runPeer(
  python: string,
  kind: string,
  { decoder, side, pictures }: Drawn,
  signal: AbortSignal,
): Promise<PeerReport> {
  const numbers = [side, pictures, availableParallelism()].map(String);
  const script = fromRoot('test/bench/peers/peer.py');
  const child = spawn(python, [script, kind, decoder, ...numbers], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  const { unet, vae } = SDXL_CONFIGS;
  child.stdin.end(JSON.stringify({ unet, vae, tiny: TAESDXL_CONFIG }));
  const printed = await text(child.stdout);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const last = printed.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`${kind} printed no report`);
  return JSON.parse(last);
}
